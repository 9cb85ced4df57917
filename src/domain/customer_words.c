/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words and domains that do not tell one customer from another, in byte order, folded as
 * customer_name() folds. A word belongs here when unrelated companies have it: whoever shares no
 * other word is not looked at at all, so a missing one costs reviewers time and a wrong one hides a
 * match by name. (Whole-name similarity alone is nearly always a false alarm.)
 */
#include "domain/customer.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
/* At the end of a name, dots left out: "GmbH & Co. KG", "S.p.A.". */
static const char *const legal_forms[] = {
	"ab", "ag", "and", "aps", "as", "asa", "bhd", "bv", "bvba", "ca", "cia", "co", "com",
	"corp", "corporation", "cv", "cvba", "da", "dba", "dd", "doo", "dooel", "e", "ead", "eg",
	"ehf", "ek", "eood", "et", "eurl", "ev", "gbr", "gesmbh", "ggmbh", "gmbh", "gmbhco", "hf",
	"i", "inc", "incorporated", "ivs", "jsc", "kda", "kft", "kg", "kgaa", "ks", "lda",
	"limitada", "limited", "llc", "llp", "lp", "ltd", "ltda", "mbh", "nv", "nyrt", "oao",
	"oe", "og", "ohg", "ood", "oy", "oyj", "oü", "pao", "pc", "plc", "pllc", "plt", "private",
	"pte", "pty", "pvt", "rt", "sa", "saa", "sab", "sac", "sae", "sagl", "sapa", "sapi",
	"sarl", "sas", "sasu", "sc", "sca", "scs", "se", "sia", "sl", "slu", "snc", "soc", "spa",
	"spolka", "spzoo", "srl", "sro", "ss", "stiftung", "su", "szr", "sàrl", "tbk", "uab",
	"ug", "ultd", "und", "unlimited", "vof", "y", "zoo", "zrt",
};

/* Lines of business, places, and what else fills names up. */
static const char *const common_words[] = {
	"abteilung", "academia", "academic", "academie", "academy", "accademia", "advanced",
	"advisers", "advisors", "agencia", "agency", "agentur", "akademie", "allgemeine",
	"alliance", "america", "american", "asia", "associates", "association", "australia",
	"austria", "bank", "banking", "bau", "beratung", "best", "bildung", "bildungszentrum",
	"board", "bros", "brothers", "bureau", "business", "canada", "capital", "care", "center",
	"central", "centre", "centro", "china", "city", "clinic", "clinics", "club", "colegio",
	"college", "collegium", "commerce", "commercial", "communication", "communications",
	"community", "companies", "company", "computer", "concept", "consult", "consultancy",
	"consultants", "consulting", "corporate", "council", "credit", "customer", "das", "data",
	"der", "design", "deutsche", "deutscher", "deutsches", "deutschland", "development",
	"die", "dienste", "dienstleistungen", "digital", "direct", "distribution", "east",
	"eastern", "edu", "education", "educational", "elearning", "electric", "electronic",
	"electronics", "energie", "energy", "engineering", "enterprise", "enterprises", "escuela",
	"europa", "europe", "european", "evangelische", "exchange", "express", "fabrik",
	"finance", "financial", "first", "food", "foods", "for", "formation", "foundation",
	"france", "fundacion", "für", "gemeinde", "general", "germany", "gesellschaft", "global",
	"group", "grupo", "gruppe", "gruppo", "gymnasium", "handel", "handels", "haus", "health",
	"healthcare", "help", "high", "hochschule", "holding", "holdings", "home", "hospital",
	"hospitals", "hotel", "hotels", "house", "imperial", "import", "india", "industrial",
	"industrie", "industries", "industry", "info", "informatik", "information", "innovation",
	"innovations", "innovative", "institut", "institute", "institution", "instituto",
	"insurance", "integrated", "interactive", "international", "internet", "invest",
	"investment", "investments", "israel", "italia", "italy", "japan", "katholische",
	"kindergarten", "klinik", "klinikum", "knowledge", "kommunikation", "kreis", "lab",
	"laboratories", "labs", "land", "law", "learn", "learning", "lernen", "life", "limited",
	"line", "link", "logistics", "logistik", "magazine", "mail", "main", "management",
	"manufacturing", "market", "marketing", "markets", "maschinenbau", "media", "medical",
	"medien", "medizin", "mobile", "mobility", "modern", "municipal", "museum", "music",
	"national", "nationale", "nature", "net", "network", "networks", "new", "north",
	"northern", "office", "offices", "official", "online", "open", "operations",
	"organisation", "organization", "pacific", "partner", "partners", "pharma", "pharmacy",
	"planning", "plus", "point", "power", "praxis", "premium", "press", "prime", "print",
	"pro", "product", "production", "productions", "products", "professional", "project",
	"projects", "properties", "property", "public", "publishing", "quality", "real",
	"regional", "republic", "research", "resort", "resources", "restaurant", "retail",
	"royal", "safety", "sales", "school", "schools", "schule", "schulen", "science",
	"sciences", "scuola", "secure", "security", "senior", "service", "services", "shipping",
	"shop", "society", "software", "solution", "solutions", "sons", "south", "southern",
	"spain", "sport", "sports", "staatliche", "stadt", "stadtwerke", "standard", "star",
	"state", "states", "station", "steel", "store", "stores", "strategies", "strategy",
	"studio", "studios", "super", "supply", "support", "swiss", "switzerland", "system",
	"systeme", "systems", "team", "teams", "tech", "technik", "technologie", "technologies",
	"technology", "tecnologia", "telecom", "telekom", "the", "total", "tours", "trade",
	"trader", "traders", "trading", "training", "transport", "travel", "trust", "uk", "union",
	"united", "universal", "universidad", "universitaet", "universite", "university",
	"università", "universität", "université", "usa", "van", "ventures", "verband", "verein",
	"vereinigte", "verlag", "versicherung", "versicherungen", "verwaltung", "volkshochschule",
	"von", "water", "web", "welt", "werk", "werke", "west", "western", "wholesale",
	"wirtschaft", "workers", "works", "workshop", "world", "www", "zentrum",
};

/* Free mail, providers, and places where anybody has a page. */
static const char *const shared_domains[] = {
	"126.com", "163.com", "aim.com", "alice.it", "aliyun.com", "aol.co.uk", "aol.com",
	"aol.de", "arcor.de", "att.net", "bellsouth.net", "bigpond.com", "bluewin.ch", "bt.com",
	"btinternet.com", "btopenworld.com", "charter.net", "club-internet.fr", "comcast.net",
	"cox.net", "docomo.ne.jp", "duck.com", "earthlink.net", "email.com", "email.cz",
	"ewe.net", "facebook.com", "fastmail.com", "fastmail.fm", "free.fr", "freemail.hu",
	"freenet.de", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.eu", "gmx.fr",
	"gmx.net", "gmx.us", "google.com", "googlemail.com", "hey.com", "hispeed.ch", "home.nl",
	"hotmail.ch", "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.es", "hotmail.fr",
	"hotmail.it", "hotmail.nl", "hushmail.com", "icloud.com", "inbox.com", "inbox.lv",
	"inbox.ru", "instagram.com", "interia.pl", "kabelmail.de", "kpnmail.nl", "laposte.net",
	"libero.it", "linkedin.com", "linktr.ee", "list.ru", "live.at", "live.be", "live.ca",
	"live.co.uk", "live.com", "live.com.au", "live.de", "live.dk", "live.fr", "live.it",
	"live.nl", "live.no", "live.se", "mac.com", "mail.com", "mail.de", "mail.ee", "mail.ru",
	"mailbox.org", "mailinator.com", "me.com", "medium.com", "msn.com", "naver.com",
	"neuf.fr", "notion.site", "o2.pl", "o2online.de", "onet.pl", "online.de", "online.no",
	"op.pl", "optonline.net", "optusnet.com.au", "orange.fr", "outlook.at", "outlook.be",
	"outlook.co", "outlook.com", "outlook.com.br", "outlook.de", "outlook.dk", "outlook.es",
	"outlook.fr", "outlook.it", "outlook.jp", "pinterest.com", "planet.nl", "pm.me",
	"posteo.de", "posteo.net", "proton.me", "protonmail.ch", "protonmail.com", "qq.com",
	"rambler.ru", "rediffmail.com", "rocketmail.com", "rogers.com", "sapo.pt",
	"sbcglobal.net", "seznam.cz", "sfr.fr", "shaw.ca", "sina.com", "sky.com", "skynet.be",
	"sympatico.ca", "t-online.de", "talktalk.net", "telenet.be", "telia.com", "terra.com.br",
	"tin.it", "tiscali.it", "tuta.com", "tutanota.com", "tutanota.de", "twitter.com",
	"ukr.net", "uol.com.br", "verizon.net", "vfemail.net", "virgilio.it", "virginmedia.com",
	"vodafone.de", "voila.fr", "wanadoo.fr", "web.de", "wikipedia.org", "wp.pl", "x.com",
	"xing.com", "xs4all.nl", "xtra.co.nz", "ya.ru", "yahoo.at", "yahoo.ca", "yahoo.co.id",
	"yahoo.co.in", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com", "yahoo.com.ar", "yahoo.com.au",
	"yahoo.com.br", "yahoo.com.mx", "yahoo.de", "yahoo.es", "yahoo.fr", "yahoo.ie",
	"yahoo.in", "yahoo.it", "yahoo.se", "yandex.com", "yandex.ru", "yeah.net", "ymail.com",
	"youtube.com", "ziggo.nl", "zoho.com",
};
/* clang-format on */

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static int compare(const void *key, const void *row)
{
	return strcmp(key, *(const char *const *)row);
}

static bool is_in(const char *const *table, size_t count, const char *word)
{
	return bsearch(word, table, count, sizeof table[0], compare) != NULL;
}

bool word_is_common(const char *word)
{
	return is_in(common_words, COUNT(common_words), word);
}

bool word_is_legal_form(const char *word)
{
	return is_in(legal_forms, COUNT(legal_forms), word);
}

bool domain_is_shared(const char *domain)
{
	return is_in(shared_domains, COUNT(shared_domains), domain);
}

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Would a client of one contract break on another?  compat.py OLD.yaml NEW.yaml  prints what would, and exits 1.

Within /v1 the contract only grows. What a client sends must stay welcome: nothing removed, nothing newly required, no
bound tightened. What it reads must stay there: no status, media type, header or member gone, none newly null, no type
changed. New values of an enum in an answer are allowed, which the contract announces. To release: copy openapi.yaml to
tests/contract/released/openapi.yaml.
"""
import sys
from pathlib import Path

from checker import METHODS, inline, load

LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
FIXED = ("pattern", "format", "const", "multipleOf", "uniqueItems")


def types(schema):
    found = schema.get("type", ["array", "boolean", "null", "number", "object", "string"])
    found = {found} if isinstance(found, str) else set(found)
    return found | {"integer"} if "number" in found else found


def removed(old, new, what, where):
    return [f"{where}: the {what} {name} is gone" for name in old if name not in new]


def is_wider(name, old, new):
    """A pattern that takes what the old one takes, or something else."""
    return name == "pattern" and name in old and new[name].startswith(f"{old[name]}|")


def bound_faults(old, new, where):
    faults = [f"{where}: {name} was raised" for name in LOWER
              if name in new and (name not in old or new[name] > old[name])]
    faults += [f"{where}: {name} was lowered" for name in UPPER
               if name in new and (name not in old or new[name] < old[name])]
    return faults + [f"{where}: {name} is new or another" for name in FIXED
                     if new.get(name, False) is not False and new.get(name) != old.get(name)
                     and not is_wider(name, old, new)]


def map_faults(old, new, where):
    before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
    if after is False and before is not False:
        return [f"{where}: unknown members are refused now"]
    if isinstance(after, dict):
        return [] if before is False else input_faults(before if isinstance(before, dict) else {}, after, f"{where}/*")
    return []


def input_faults(old, new, where):
    """Everything `old` takes must be taken by `new`."""
    faults = [f"{where}: the type {name} is refused now" for name in sorted(types(old) - types(new))]
    if "enum" in new:
        faults += removed(old.get("enum", ["any"]), new["enum"], "value", where)
    faults += bound_faults(old, new, where)
    faults += [f"{where}/{name}: is required now" for name in new.get("required", ())
               if name not in old.get("required", ())]
    faults += removed(old.get("properties", {}), new.get("properties", {}), "member", where)
    for name, schema in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            faults += input_faults(schema, new["properties"][name], f"{where}/{name}")
    for keyword in ("items", "propertyNames"):
        if keyword in new:
            faults += input_faults(old.get(keyword, {}), new[keyword], f"{where}/{keyword}")
    return faults + map_faults(old, new, where)


def output_faults(old, new, where):
    """Everything `new` gives must be what a reader of `old` counts on."""
    faults = [f"{where}: may be {name} now" for name in sorted(types(new) - types(old))]
    faults += [f"{where}: {name} is another" for name in ("format", "const")
               if name in old and new.get(name) != old[name]]
    faults += [f"{where}/{name}: is no longer always there" for name in old.get("required", ())
               if name not in new.get("required", ())]
    faults += removed(old.get("properties", {}), new.get("properties", {}), "member", where)
    for name, schema in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            faults += output_faults(schema, new["properties"][name], f"{where}/{name}")
    if "items" in old:
        faults += output_faults(old["items"], new.get("items", {}), f"{where}/items")
    if isinstance(old.get("additionalProperties"), dict) and isinstance(new.get("additionalProperties"), dict):
        faults += output_faults(old["additionalProperties"], new["additionalProperties"], f"{where}/*")
    return faults


def parameters(operation):
    return {(entry["in"], entry["name"]): entry for entry in operation.get("parameters", ())}


def parameter_faults(old, new, where):
    before, after, faults = parameters(old), parameters(new), []
    for key, entry in before.items():
        if key not in after:
            faults.append(f"{where}: the parameter {key[1]} is gone")
        else:
            faults += input_faults(entry["schema"], after[key]["schema"], f"{where} ?{key[1]}")
    for key, entry in after.items():
        if entry.get("required") and not before.get(key, {}).get("required"):
            faults.append(f"{where}: the parameter {key[1]} is required now")
    return faults


def body_faults(old, new, where):
    before, after = old.get("requestBody"), new.get("requestBody")
    if not before:
        return [f"{where}: a body is required now"] if after and after.get("required") else []
    if not after:
        return [f"{where}: the body is gone"]
    faults = [f"{where}: a body is required now"] if after.get("required") and not before.get("required") else []
    faults += removed(before["content"], after["content"], "media type", where)
    for media_type, content in before["content"].items():
        if media_type in after["content"]:
            faults += input_faults(content["schema"], after["content"][media_type]["schema"], f"{where} body")
    return faults


def header_faults(old, new, where, untold):
    faults = removed(old, new, "header", where)
    return faults + [f"{where}: the header {name} is no longer always there" for name, header in old.items()
                     if header.get("required") and name in new and not new[name].get("required") and name not in untold]


def untold_headers(old, new):
    """What a dry run leaves out is there for everybody who does not know of dry runs yet."""
    dry_run = ("query", "dry_run")
    return {"ETag", "Location"} if dry_run in parameters(new) and dry_run not in parameters(old) else set()


def response_faults(old, new, where):
    faults = removed(old["responses"], new["responses"], "status", where)
    for status, response in old["responses"].items():
        if status not in new["responses"]:
            continue
        other, place = new["responses"][status], f"{where} → {status}"
        faults += header_faults(
            response.get("headers", {}), other.get("headers", {}), place, untold_headers(old, new))
        faults += removed(response.get("content", {}), other.get("content", {}), "media type", place)
        for media_type, content in response.get("content", {}).items():
            if media_type in other.get("content", {}):
                faults += output_faults(content["schema"], other["content"][media_type]["schema"], place)
    return faults


def scope_faults(old, new, where):
    before, after = old.get("security"), new.get("security")
    if not after:
        return []
    if not before:
        return [f"{where}: needs a token now"]
    asked = {scope for entry in after for scopes in entry.values() for scope in scopes}
    known = {scope for entry in before for scopes in entry.values() for scope in scopes}
    return [f"{where}: needs the scope {scope} now" for scope in sorted(asked - known)]


def operation_faults(old, new, where):
    faults = scope_faults(old, new, where)
    if old.get("operationId") != new.get("operationId"):
        faults.append(f"{where}: operationId was {old.get('operationId')}, which names a method of generated clients")
    for judge in (parameter_faults, body_faults, response_faults):
        faults += judge(old, new, where)
    return faults


def compare(old, new):
    """What a client of `old` would break on; both are documents as loaded."""
    old, new = inline(old), inline(new)
    faults = removed(old["paths"], new["paths"], "path", "paths")
    for path, item in old["paths"].items():
        for method in METHODS:
            if method not in item or path not in new["paths"]:
                continue
            where = f"{method.upper()} {path}"
            if method not in new["paths"][path]:
                faults.append(f"{where}: the operation is gone")
            else:
                faults += operation_faults(item[method], new["paths"][path][method], where)
    return faults


def main(arguments):
    if len(arguments) != 2:
        sys.exit("usage: compat.py OLD.yaml NEW.yaml")
    faults = compare(*(load(Path(name)) for name in arguments))
    print("\n".join(faults) or "compatible")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

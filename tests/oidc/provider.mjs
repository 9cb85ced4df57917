// SPDX-License-Identifier: Apache-2.0
//
// A real OpenID provider (npm oidc-provider) on a free port of this machine. Who signs in is told by login_hint; people
// and the API's audience come as JSON in the first argument. Prints one line {"issuer": …} when it listens.
import { createServer } from 'node:http'
import { generateKeyPair, exportJWK } from 'jose'
import Provider from 'oidc-provider'

const { audience, people, alg } = JSON.parse(process.argv[2])
const scopes = 'deals:read partners:read program:read'

async function key(name) {
	const { privateKey } = await generateKeyPair(name, { extractable: true })
	return { ...(await exportJWK(privateKey)), alg: name, use: 'sig', kid: `key-${name}` }
}

// Agrees to whatever is asked: the test is about the tokens that come out.
async function agree(provider, request, response) {
	const { prompt, params, session, grantId } = await provider.interactionDetails(request, response)
	if (prompt.name === 'login')
		return provider.interactionFinished(request, response, { login: { accountId: params.login_hint } })
	const grant = grantId ? await provider.Grant.find(grantId)
		: new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
	grant.addOIDCScope('openid email profile')
	grant.addResourceScope(audience, scopes)
	return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } },
		{ mergeWithLastSubmission: true })
}

function configuration(jwks) {
	return {
		jwks: { keys: jwks },
		cookies: { keys: ['only for tests'] },
		clients: [{
			client_id: 'spa', token_endpoint_auth_method: 'none', redirect_uris: ['http://127.0.0.1/callback'],
			grant_types: ['authorization_code'], response_types: ['code'], id_token_signed_response_alg: alg,
		}],
		claims: { email: ['email', 'email_verified'], profile: ['name'] },
		findAccount: (_, sub) => people[sub] && { accountId: sub, claims: () => ({ sub, ...people[sub] }) },
		extraTokenClaims: (_, token) => people[token.accountId],
		interactions: { url: (_, interaction) => `/agree/${interaction.uid}` },
		enabledJWA: { idTokenSigningAlgValues: [alg] },
		features: {
			devInteractions: { enabled: false },
			resourceIndicators: {
				enabled: true,
				useGrantedResource: () => true,
				getResourceServerInfo: () => ({
					scope: scopes, audience, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg } },
				}),
			},
		},
	}
}

const server = createServer()
await new Promise(listening => server.listen(0, '127.0.0.1', listening))
const issuer = `http://127.0.0.1:${server.address().port}`
const provider = new Provider(issuer, configuration([await key(alg)]))
const answer = provider.callback()
server.on('request', (request, response) => request.url.startsWith('/agree/')
	? agree(provider, request, response).catch(fault => response.writeHead(500).end(String(fault))) : answer(request, response))
console.log(JSON.stringify({ issuer }))

// An authorisation server that nobody here wrote (oidc-provider), on a free port: it issues access tokens (RFC 9068) that
// are bound to the key of a DPoP proof, for a client that shows who it is by a signed assertion (private_key_jwt).
//
// node server.mjs AUDIENCE CLIENT_JWK PID
//   AUDIENCE    whom its tokens are for
//   CLIENT_JWK  the public key of the client `national-portal`
//   PID         the citizen in tokens with the scope dialog:citizen
// Says its issuer in a line, and serves until its standard input ends.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import process from 'node:process';
import Provider from 'oidc-provider';

const [audience, client, pid] = process.argv.slice(2);
const scopes = 'dialog:citizen dialog:events';

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
const provider = new Provider(issuer, {
  jwks: { keys: [{ ...key, kid: 'signing', alg: 'ES256', use: 'sig' }] },
  scopes: scopes.split(' '),
  clients: [{
    client_id: 'national-portal',
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [{ ...JSON.parse(client), alg: 'ES256', use: 'sig' }] },
    grant_types: ['client_credentials'],
    id_token_signed_response_alg: 'ES256',
    response_types: [],
    redirect_uris: [],
    scope: scopes,
    dpop_bound_access_tokens: true,
  }],
  clientAuthMethods: ['private_key_jwt'],
  enabledJWA: { clientAuthSigningAlgValues: ['ES256'], dPoPSigningAlgValues: ['ES256'] },
  // What a national issuer says of a citizen who has logged in.
  extraTokenClaims: (context, token) =>
    token.scope?.split(' ').includes('dialog:citizen') ? { pid, acr: 'idporten-loa-high' } : undefined,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      getResourceServerInfo: () => ({
        scope: scopes, audience, accessTokenTTL: 300, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});
server.on('request', provider.callback());
console.log(issuer);

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

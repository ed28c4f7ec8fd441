// An OpenID provider of the tests' own: people sign in by naming themselves, and tests may have any token signed.
// Started with a port and a folder of keys (JWKs in files, by name); asked by a pipe: one line of JSON for each token.
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { importJWK, SignJWT } from "jose";
import Provider from "oidc-provider";

const [port, folder] = process.argv.slice(2);
const url = `http://127.0.0.1:${port}`;
const keys = readdirSync(folder).sort().map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
const people = JSON.parse(process.env.PEOPLE);

const provider = new Provider(url, {
  clients: [
    { client_id: "poms-web", client_secret: "a secret: of +the client", redirect_uris: [process.env.REDIRECT] },
    { client_id: "public", token_endpoint_auth_method: "none", redirect_uris: [process.env.REDIRECT] },
  ],
  jwks: { keys },
  pkce: { required: () => true },
  claims: { openid: ["sub"], profile: ["name", "preferred_username", "groups"] },
  conformIdTokenClaims: process.env.IN_ID_TOKEN !== "1",
  findAccount: (_, sub) =>
    people[sub] && { accountId: sub, claims: () => ({ sub, ...people[sub] }) },
  features: { devInteractions: { enabled: true }, userinfo: { enabled: true } },
  cookies: { keys: ["of the tests alone"] },
  ttl: { Session: 600, Interaction: 600, Grant: 600, AccessToken: 600, IdToken: 600, AuthorizationCode: 60 },
});
const server = provider.listen(Number(port), "127.0.0.1", () => console.log(JSON.stringify({ url })));

for await (const line of createInterface({ input: process.stdin })) {
  const { claims, header } = JSON.parse(line);
  const key = keys.find((each) => each.kid === header.kid) ?? keys[0];
  const now = Math.floor(Date.now() / 1000);
  const whole = { iss: url, iat: now, exp: now + 600, jti: randomUUID(), ...claims };
  const token = await new SignJWT(whole).setProtectedHeader({ alg: key.alg, ...header }).sign(await importJWK(key));
  console.log(JSON.stringify({ token }));
}
server.close();
process.exit(0);

import { SignJWT } from "jose";
import { type Keys, readKeys } from "../../local/keys.ts";
import type { Place } from "../support/running-platform.ts";

/** An answer of the API: status and parsed body. */
export interface Answer {
  status: number;
  body: unknown;
}

/** The headers that say who calls. */
export type Caller = Readonly<Record<string, string>>;

/** Everybody who may come to the API of a running platform, and how to call it as them. */
export interface Callers {
  keys: Keys;
  anon: Caller;
  viewer: Caller;
  operator: Caller;
  /** A person who has signed up and is no operator of ours. */
  stranger: Caller;
  /** An operator whose session has ended. */
  expired: Caller;
  /** A session that somebody else has signed. */
  forged: Caller;
  secretKey: Caller;
  cron: Caller;
  rpc(caller: Caller, name: string, parameters?: object): Promise<Answer>;
  rest(caller: Caller, method: string, path: string, body?: unknown): Promise<Answer>;
  invoke(caller: Caller, name: string, init?: RequestInit): Promise<Answer>;
  /** Session tokens given out so far. */
  tokens: string[];
}

/** Signs everybody in. */
export async function findCallers({ apiUrl, dataDir }: Place): Promise<Callers> {
  const keys = readKeys(dataDir);
  const tokens: string[] = [];
  const call = async (path: string, headers: Caller, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(`${apiUrl}${path}`, {
      ...init,
      headers: { "content-type": "application/json", ...headers, ...(init.headers as Caller | undefined) },
    });
    return { status: response.status, body: readBody(await response.text()) };
  };
  const anon = { apikey: keys.publishable };
  const withSession = (token: string): Caller => {
    tokens.push(token);
    return { ...anon, authorization: `Bearer ${token}` };
  };
  const signIn = async (person: { email: string; password: string }) => {
    const { status, body } = await call("/auth/v1/token?grant_type=password", anon, {
      method: "POST",
      body: JSON.stringify(person),
    });
    const { access_token: token, refresh_token: refresh } = body as Record<string, string>;
    if (status !== 200 || !token || !refresh) throw new Error(`${person.email} cannot sign in: ${status}`);
    tokens.push(refresh);
    return token;
  };
  const operator = await signIn(keys.operator);
  const claims = JSON.parse(Buffer.from(operator.split(".")[1] ?? "", "base64url").toString()) as Record<
    string,
    unknown
  >;
  const sign = (changes: object, secret: string) =>
    new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(secret));
  const past = Number(claims.iat) - 7200;
  return {
    keys,
    tokens,
    anon,
    operator: withSession(operator),
    viewer: withSession(await signIn(keys.viewer)),
    stranger: withSession(await sign({ sub: crypto.randomUUID(), email: "stranger@example.test" }, keys.jwtSecret)),
    expired: withSession(await sign({ iat: past, exp: past + 3600 }, keys.jwtSecret)),
    forged: withSession(await sign({}, "somebody else's secret, as long as ours")),
    secretKey: { apikey: keys.secret },
    cron: { "x-cron-token": keys.cronToken },
    rpc: (caller, name, parameters = {}) =>
      call(`/rest/v1/rpc/${name}`, caller, { method: "POST", body: JSON.stringify(parameters) }),
    rest: (caller, method, path, body) =>
      call(`/rest/v1/${path}`, caller, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
    invoke: (caller, name, init = {}) => call(`/functions/v1/${name}`, caller, { method: "POST", ...init }),
  };
}

function readBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

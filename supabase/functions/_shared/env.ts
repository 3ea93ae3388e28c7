import { type EnvironmentKnob, knobsInEnvironment } from "../../../shared/config/parse-config.ts";
import { type Result, refusal, success } from "../../../shared/result.ts";

/** Everything the functions read from their environment. */
export interface Environment {
  readonly supabaseUrl: string;
  /** The key that the functions themselves use. */
  readonly secretKey: string;
  /** Every key that a caller may present. */
  readonly secretKeys: readonly string[];
  readonly publishableKey: string;
  readonly cronToken: string;
  readonly marketDataUrl: string;
  readonly dashboardOrigins: readonly string[];
  readonly liveBroker: { readonly url: string; readonly token: string | null } | null;
  /** Knobs set under their runbook names, and names that are almost one. */
  readonly knobs: Readonly<Record<string, EnvironmentKnob>>;
}

type Variables = Readonly<Record<string, string | undefined>>;

const DEFAULT_MARKET_DATA_URL = "https://api.exchange.coinbase.com";
const SHORTEST_CRON_TOKEN = 16;

const keysOf = (text: string | undefined, legacy: string | undefined): string[] => {
  const found = new Set<string>();
  try {
    const keys: unknown = JSON.parse(text ?? "{}");
    if (typeof keys === "object" && keys !== null) {
      const { default: first, ...rest } = keys as Record<string, unknown>;
      for (const key of [first, ...Object.values(rest)]) if (typeof key === "string" && key !== "") found.add(key);
    }
  } catch {
    return legacy ? [legacy] : [];
  }
  if (legacy) found.add(legacy);
  return [...found];
};

/** An address with a password in it can't be fetched, and every error would repeat it. */
const isUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === "" && password === "";
};

const listOf = (text: string | undefined): string[] =>
  (text ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

const trimmed = (text: string | undefined): string => (text ?? "").trim().replace(/\/+$/, "");

const readUrls = (variables: Variables) => ({
  supabaseUrl: trimmed(variables.SUPABASE_URL),
  marketDataUrl: trimmed(variables.MARKET_DATA_URL) || DEFAULT_MARKET_DATA_URL,
  liveBrokerUrl: trimmed(variables.LIVE_BROKER_URL),
});

/** Reads the whole environment, or returns one sentence for each thing that is missing or malformed. */
export const readEnvironment = (variables: Variables): Result<Environment, readonly string[]> => {
  const { supabaseUrl, marketDataUrl, liveBrokerUrl } = readUrls(variables);
  const secretKeys = keysOf(variables.SUPABASE_SECRET_KEYS, variables.SUPABASE_SERVICE_ROLE_KEY);
  const publishableKey = keysOf(variables.SUPABASE_PUBLISHABLE_KEYS, variables.SUPABASE_ANON_KEY)[0] ?? "";
  const cronToken = variables.ZOE_CRON_TOKEN ?? "";
  const [secretKey = ""] = secretKeys;
  const checks: readonly (readonly [boolean, string])[] = [
    [isUrl(supabaseUrl), "SUPABASE_URL must be the project's http(s) address"],
    [
      secretKey !== "",
      "SUPABASE_SECRET_KEYS (a JSON object with the key default) or SUPABASE_SERVICE_ROLE_KEY is missing",
    ],
    [
      publishableKey !== "",
      "SUPABASE_PUBLISHABLE_KEYS (a JSON object with the key default) or SUPABASE_ANON_KEY is missing",
    ],
    [cronToken.length >= SHORTEST_CRON_TOKEN, `ZOE_CRON_TOKEN must have at least ${SHORTEST_CRON_TOKEN} characters`],
    [isUrl(marketDataUrl), "MARKET_DATA_URL must be an http(s) address without credentials"],
    [
      liveBrokerUrl === "" || isUrl(liveBrokerUrl),
      "LIVE_BROKER_URL must be an http(s) address without credentials; its token goes into LIVE_BROKER_TOKEN",
    ],
  ];
  const problems = checks.flatMap(([holds, sentence]) => (holds ? [] : [sentence]));
  if (problems.length > 0) return refusal(problems);
  const liveBroker = liveBrokerUrl === "" ? null : { url: liveBrokerUrl, token: variables.LIVE_BROKER_TOKEN ?? null };
  const dashboardOrigins = listOf(variables.DASHBOARD_ORIGIN);
  return success({
    supabaseUrl,
    secretKey,
    secretKeys,
    publishableKey,
    cronToken,
    marketDataUrl,
    dashboardOrigins,
    liveBroker,
    knobs: knobsInEnvironment(variables),
  });
};

/** Returns what must never appear in a log or an answer. */
export const secretsOf = (environment: Environment): string[] =>
  [...environment.secretKeys, environment.cronToken, environment.liveBroker?.token ?? ""].filter(Boolean);

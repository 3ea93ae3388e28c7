import { knobsInEnvironment } from "../../../shared/config/parse-config.ts";
import type { Keys } from "../keys.ts";

export interface FunctionEnvOptions {
  apiUrl: string;
  databaseUrl: string;
  dashboardOrigin: string;
  keys: Keys;
  /** Base URL of the market data; null leaves the function's own default, the live feed. */
  marketDataUrl: string | null;
  /** Where Deno keeps what it has compiled. */
  denoDir: string;
  /** Where knobs set by the user are read from: the platform's own environment. */
  environment: NodeJS.ProcessEnv;
}

/**
 * The environment a hosted function finds, plus our secrets, and what the user has set: knobs under their
 * runbook names (and what is almost one, so that it can be told), the live broker.
 */
export function functionEnv(options: FunctionEnvOptions): Record<string, string> {
  const { apiUrl, databaseUrl, dashboardOrigin, keys, marketDataUrl, denoDir, environment } = options;
  const env: Record<string, string> = {
    SUPABASE_URL: apiUrl,
    SUPABASE_DB_URL: databaseUrl,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: keys.publishable }),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: keys.secret }),
    SUPABASE_JWKS: JSON.stringify({ keys: [] }),
    SUPABASE_ANON_KEY: keys.publishable,
    SUPABASE_SERVICE_ROLE_KEY: keys.secret,
    ZOE_CRON_TOKEN: keys.cronToken,
    DASHBOARD_ORIGIN: dashboardOrigin,
    DENO_DIR: denoDir,
  };
  if (marketDataUrl) env.MARKET_DATA_URL = marketDataUrl;
  for (const name of ["LIVE_BROKER_URL", "LIVE_BROKER_TOKEN", ...Object.keys(knobsInEnvironment(environment))]) {
    const value = environment[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

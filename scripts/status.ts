import { readKeys } from "../supabase/local/keys.ts";
import { findPlatform, runScript, takeNothing } from "../supabase/local/script.ts";

const USAGE = "Usage: npm run status: prints addresses, keys and sign-ins of the embedded platform.";

/** Prints addresses, keys and sign-ins of the embedded platform as `supabase status -o env` does. */
runScript(USAGE, async (args) => {
  takeNothing(args, USAGE);
  const { running, dataDir, apiUrl, databaseUrl, dashboardUrl, market } = findPlatform();
  const keys = readKeys(dataDir);
  const lines = {
    API_URL: apiUrl,
    FUNCTIONS_URL: `${apiUrl}/functions/v1`,
    DB_URL: databaseUrl,
    DASHBOARD_URL: dashboardUrl,
    PUBLISHABLE_KEY: keys.publishable,
    SECRET_KEY: keys.secret,
    JWT_SECRET: keys.jwtSecret,
    CRON_TOKEN: keys.cronToken,
    OPERATOR_EMAIL: keys.operator.email,
    OPERATOR_PASSWORD: keys.operator.password,
    VIEWER_EMAIL: keys.viewer.email,
    VIEWER_PASSWORD: keys.viewer.password,
    ...(market === undefined ? {} : { MARKET: market }),
  };
  for (const [name, value] of Object.entries(lines)) console.log(`${name}="${value}"`);
  if (!running) console.error("Zoe is not running now; `npm start` starts it on these addresses.");
});

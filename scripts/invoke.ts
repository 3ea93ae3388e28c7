import { FUNCTION_NAMES } from "../supabase/local/functions/names.ts";
import { readKeys } from "../supabase/local/keys.ts";
import { requirePlatform, runScript } from "../supabase/local/script.ts";
import { StartError } from "../supabase/local/start-error.ts";

const USAGE = `Usage: npm run invoke NAME, where NAME is one of ${FUNCTION_NAMES.join(", ")}.`;

/** Runs one tick by hand through the functions gateway and prints its result. */
runScript(USAGE, async ([name, ...rest]) => {
  if (!FUNCTION_NAMES.some((known) => known === name) || rest.length > 0) throw new StartError(USAGE);
  const { apiUrl, dataDir } = requirePlatform();
  const response = await fetch(`${apiUrl}/functions/v1/${name}`, {
    method: "POST",
    headers: { apikey: readKeys(dataDir).secret, "content-type": "application/json" },
    body: JSON.stringify({ trigger: "manual" }),
  });
  const text = await response.text();
  console.log(prettify(text));
  if (!response.ok) throw new StartError(`${name} answered ${response.status}.`);
});

function prettify(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

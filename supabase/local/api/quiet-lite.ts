/** Loads @supabase/lite, its telemetry switched off. It loads supabase-js, which deplores Node 20 on the console though it works on it. */
export async function loadLite() {
  process.env.LITE_TELEMETRY = "0";
  process.env.DO_NOT_TRACK = "1";
  const warn = console.warn;
  console.warn = () => {};
  try {
    const [{ App, generateApiKey }, { createPostgresConnection }] = await Promise.all([
      import("@supabase/lite"),
      import("@supabase/lite/postgres"),
    ]);
    return { App, generateApiKey, createPostgresConnection };
  } finally {
    console.warn = warn;
  }
}

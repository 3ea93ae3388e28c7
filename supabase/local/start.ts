import { Page } from "./console-page.ts";
import { parseFlags, USAGE } from "./flags.ts";
import { type Platform, startPlatform } from "./platform.ts";
import { whenLauncherIsGone } from "./process/launcher-gone.ts";
import { readSettings } from "./settings.ts";
import { StartError } from "./start-error.ts";

/** A second Ctrl-C this soon is the terminal's echo of the first one, later it means "now". */
const ECHO_MS = 1500;

async function main(): Promise<number> {
  const flags = parseFlags(process.argv.slice(2));
  const page = new Page(process.stdout, flags.verbose);
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const settings = readSettings(process.env);
  const asked = untilAsked();
  page.open();
  const starting = startPlatform(settings, flags, page);
  const early = await Promise.race([starting.then(() => null), asked]);
  if (early) {
    page.closing();
    const [outcome] = await Promise.allSettled([starting]); // a boot that is broken off may also fail
    if (outcome.status === "fulfilled") await outcome.value.stop();
    page.closed();
    return 0;
  }
  const platform = await starting;
  page.ready(settings, platform, flags.dashboard);
  return runUntil(platform, asked, page);
}

async function runUntil(platform: Platform, asked: Promise<string>, page: Page): Promise<number> {
  const reason = await Promise.race([asked, platform.broken.then(() => "broken" as const)]);
  if (reason === "broken") page.log("zoe", "Postgres has ended unexpectedly; stopping everything else.");
  page.closing();
  await platform.stop();
  page.closed();
  return reason === "broken" ? 1 : 0;
}

/** Resolves at the first Ctrl-C or polite kill, or when the `npm start` that began this has vanished. */
function untilAsked(): Promise<string> {
  return new Promise((resolve) => {
    let first: number | undefined;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        if (first !== undefined && performance.now() - first > ECHO_MS) process.exit(130);
        first ??= performance.now();
        resolve(signal);
      });
    }
    whenLauncherIsGone(() => resolve("launcher gone"));
  });
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error instanceof StartError ? `\n${error.message}` : error);
    process.exit(1);
  },
);

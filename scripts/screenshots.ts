import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { readKeys } from "../supabase/local/keys.ts";
import { findPlatform, runScript, takeNothing } from "../supabase/local/script.ts";

const FOLDER = "screenshots";
const PAGES = { overview: "/", log: "/log", settings: "/settings" } as const;
const SIZES = { desktop: { width: 1440, height: 1000 }, phone: { width: 390, height: 844 } } as const;

const USAGE = "Usage: npm run screenshots: takes pictures of every page of the running dashboard.";

/** Takes pictures of every page of the running dashboard at desktop and phone width, in light and dark. */
runScript(USAGE, async (args) => {
  takeNothing(args, USAGE);
  const { running, dataDir, dashboardUrl } = findPlatform();
  if (!running) throw new Error("Zoe is not running: `npm start` first, then take pictures.");
  mkdirSync(FOLDER, { recursive: true });
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    for (const colorScheme of ["light", "dark"] as const)
      await takeAll(browser, dashboardUrl, colorScheme, readKeys(dataDir).operator);
  } finally {
    await browser.close();
  }
});

async function takeAll(
  browser: Browser,
  url: string,
  colorScheme: "light" | "dark",
  operator: { email: string; password: string },
) {
  const page = await browser.newPage({ colorScheme });
  await signIn(page, url, operator);
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const [name, path] of Object.entries(PAGES)) {
      await page.goto(`${url}${path}`);
      await page.getByText("Loading…").first().waitFor({ state: "detached" });
      await page.getByRole("status", { name: "Connection" }).getByText("live").waitFor();
      const file = join(FOLDER, `${name}-${size}-${colorScheme}.png`);
      await page.screenshot({ path: file, fullPage: true, animations: "disabled" });
      console.log(file);
    }
  }
  await page.close();
}

async function signIn(page: Page, url: string, operator: { email: string; password: string }) {
  await page.goto(url);
  await page.getByLabel("E-mail").fill(operator.email);
  await page.getByLabel("Password").fill(operator.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("status", { name: "Connection" }).waitFor();
}

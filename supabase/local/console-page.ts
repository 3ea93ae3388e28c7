import type { WriteStream } from "node:tty";
import type { Console, Platform } from "./platform.ts";
import { readable } from "./readable-log.ts";
import type { Settings } from "./settings.ts";

/** The one calm page at the console: progress while it boots, then what runs where, then the parts' own lines. */
export interface Page extends Console {
  open(): void;
  ready(settings: Settings, platform: Platform, dashboard: boolean): void;
  closing(): void;
  closed(): void;
}

/** Writes the page; colours and the operator's password only go to a terminal, never into a log file. */
export function createPage(stream: Pick<WriteStream, "write" | "isTTY">, verbose = false): Page {
  const startedAt = performance.now();
  /** What each part said last, and how often it has said the same again. */
  const last = new Map<string, { text: string; again: number }>();
  const paint = (code: number, text: string) => (stream.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text);
  const line = (text = "") => void stream.write(`${text}\n`);
  const row = (name: string, text: string) => line(`  ${name.padEnd(15)}${text}`);
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  return {
    open: () => line(`\n${paint(1, "Zoe")} is starting (Ctrl-C stops everything)\n`),
    step: (what, note) => line(`  ${paint(32, "✓")} ${what.padEnd(15)}${note} ${paint(2, `(${seconds()})`)}`),
    log: (part, text) => {
      const shown = verbose ? text : readable(text);
      if (shown === null) return;
      const before = last.get(part);
      if (!verbose && before?.text === shown) {
        before.again += 1;
        return;
      }
      if (before?.again) line(`${paint(2, `[${part}]`)} the same ${before.again} more times`);
      last.set(part, { text: shown, again: 0 });
      line(`${paint(2, `[${part}]`)} ${shown}`);
    },
    ready: (settings, { keys, market }, dashboard) => {
      line(`\n${paint(1, "Zoe runs")}, trading on paper. No real money, no account.\n`);
      if (dashboard) row("Dashboard", paint(36, settings.dashboardUrl));
      const password = stream.isTTY ? keys.operator.password : "(`npm run status` shows the password)";
      row("Sign in", `${keys.operator.email}  ${password}`);
      row("Market data", market.sentence);
      row("API", settings.apiUrl);
      row("Database", settings.databaseUrl);
      row("Data folder", settings.dataDir);
      line(`\nKeys and the viewer's sign-in: npm run status. Below: what the parts have to say.\n`);
    },
    closing: () => line(`\nStopping…`),
    closed: () => line("Everything has stopped. The data stays; `npm start` goes on, `npm run reset` empties it."),
  };
}

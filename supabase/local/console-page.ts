import type { WriteStream } from "node:tty";
import type { Console, Platform } from "./platform.ts";
import { readable } from "./readable-log.ts";
import type { Settings } from "./settings.ts";

type Output = Pick<WriteStream, "write" | "isTTY">;

/**
 * The one calm page at the console: progress while it boots, then what runs where, then the parts' own lines, repetitions
 * only counted. Colours and the operator's password go to a terminal, never into a log file.
 */
export class Page implements Console {
  readonly #output: Output;
  readonly #verbose: boolean;
  readonly #openedAt = performance.now();
  /** What each part said last, and how often it has said the same again. */
  readonly #last = new Map<string, { text: string; again: number }>();

  constructor(output: Output, verbose = false) {
    this.#output = output;
    this.#verbose = verbose;
  }

  open(): void {
    this.#line(`\n${this.#paint(1, "Zoe")} is starting (Ctrl-C stops everything)\n`);
  }

  step(what: string, note: string): void {
    const seconds = ((performance.now() - this.#openedAt) / 1000).toFixed(1);
    this.#line(`  ${this.#paint(32, "✓")} ${what.padEnd(15)}${note} ${this.#paint(2, `(${seconds} s)`)}`);
  }

  log(part: string, text: string): void {
    const shown = this.#verbose ? text : readable(text);
    if (shown === null) return;
    const before = this.#last.get(part);
    if (!this.#verbose && before?.text === shown) {
      before.again += 1;
      return;
    }
    if (before?.again) this.#say(part, `the same ${before.again} more times`);
    this.#last.set(part, { text: shown, again: 0 });
    this.#say(part, shown);
  }

  ready(settings: Settings, { keys, market, liveBroker }: Platform, dashboard: boolean): void {
    const money = liveBroker
      ? `A live broker is configured: ${liveBroker}.`
      : "It trades on paper: no real money, no account.";
    this.#line(`\n${this.#paint(1, "Zoe runs.")} ${money}\n`);
    if (dashboard) this.#row("Dashboard", this.#paint(36, settings.dashboardUrl));
    const password = this.#output.isTTY ? keys.operator.password : "(`npm run status` shows the password)";
    this.#row("Sign in", `${keys.operator.email}  ${password}`);
    this.#row("Market data", market.sentence);
    this.#row("API", settings.apiUrl);
    this.#row("Database", settings.databaseUrl);
    this.#row("Data folder", settings.dataDir);
    this.#line("\nKeys and the viewer's sign-in: npm run status. Below: what the parts have to say.\n");
  }

  closing(): void {
    this.#line("\nStopping…");
  }

  closed(): void {
    this.#line("Everything has stopped. The data stays; `npm start` goes on, `npm run reset` empties it.");
  }

  #say(part: string, text: string): void {
    this.#line(`${this.#paint(2, `[${part}]`)} ${text}`);
  }

  #row(name: string, text: string): void {
    this.#line(`  ${name.padEnd(15)}${text}`);
  }

  #paint(code: number, text: string): string {
    return this.#output.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text;
  }

  #line(text: string): void {
    this.#output.write(`${text}\n`);
  }
}

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Flags } from "./flags.ts";
import { StartError } from "./start-error.ts";

/** Which market a data folder was begun with. Its books belong to that market, so every later start goes on with it. */
export type MarketSession =
  | { kind: "live" }
  | { kind: "replay"; files: string[]; speed: number }
  | { kind: "simulation"; seed: number; startMs: number; speed: number; fallback: boolean };

/** Reads the market the folder was begun with; null for a new folder. */
export function readSession(dataDir: string): MarketSession | null {
  const file = join(dataDir, "market.json");
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as MarketSession;
  } catch {
    throw new StartError(`The data folder ${dataDir} is damaged (market.json cannot be read): run \`npm run reset\`.`);
  }
}

/** Writes down which market the folder goes on with. */
export function writeSession(dataDir: string, session: MarketSession): void {
  writeFileSync(join(dataDir, "market.json"), `${JSON.stringify(session, null, 2)}\n`);
}

/** Turns the flags into what they mean on a folder that already has a market: the same one, perhaps at another speed. */
export function continueSession(session: MarketSession, flags: Flags, dataDir: string): MarketSession {
  const asked = flags.replay ? "a replay" : flags.simulate !== null ? "a simulation" : null;
  if (asked === null) return session;
  const speed = flags.speed;
  if (session.kind === "replay" && flags.replay && sameFiles(session.files, flags.replay))
    return { ...session, speed: speed ?? session.speed };
  if (session.kind === "simulation" && flags.simulate === session.seed && !session.fallback)
    return { ...session, speed: speed ?? session.speed };
  throw new StartError(
    `${dataDir} holds ${describe(session)}, not the market asked for: \`npm run reset\` empties it, or set ZOE_DATA_DIR to another folder.`,
  );
}

function sameFiles(known: string[], asked: string[]): boolean {
  return JSON.stringify([...known].sort()) === JSON.stringify([...asked].sort());
}

function describe(session: MarketSession): string {
  switch (session.kind) {
    case "live":
      return "paper trading on live market data";
    case "replay":
      return `a replay of ${session.files.join(", ")}`;
    case "simulation":
      return `a simulated market (seed ${session.seed})`;
    default:
      return session satisfies never;
  }
}

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { StartError } from "./start-error.ts";

/** Ports and folders of one embedded platform. */
export interface Settings {
  root: string;
  dataDir: string;
  apiPort: number;
  databasePort: number;
  dashboardPort: number;
  apiUrl: string;
  databaseUrl: string;
  dashboardUrl: string;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");

/** Reads ports and data folder from ZOE_API_PORT, ZOE_DB_PORT, ZOE_DASHBOARD_PORT and ZOE_DATA_DIR, with the CLI's defaults. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const apiPort = readPort(environment, "ZOE_API_PORT", 54321);
  const databasePort = readPort(environment, "ZOE_DB_PORT", 54322);
  const dashboardPort = readPort(environment, "ZOE_DASHBOARD_PORT", 5180);
  if (new Set([apiPort, databasePort, dashboardPort]).size < 3)
    throw new StartError("ZOE_API_PORT, ZOE_DB_PORT and ZOE_DASHBOARD_PORT must be three different ports.");
  return {
    root: ROOT,
    dataDir: environment.ZOE_DATA_DIR
      ? resolve(environment.INIT_CWD ?? process.cwd(), environment.ZOE_DATA_DIR)
      : join(ROOT, ".zoe"),
    apiPort,
    databasePort,
    dashboardPort,
    apiUrl: `http://127.0.0.1:${apiPort}`,
    databaseUrl: `postgresql://postgres:postgres@127.0.0.1:${databasePort}/postgres`,
    dashboardUrl: `http://127.0.0.1:${dashboardPort}`,
  };
}

function readPort(environment: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = environment[name];
  if (text === undefined || text === "") return fallback;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new StartError(`${name} is "${text}"; a port is a whole number from 1 to 65535.`);
}

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadLite } from "./api/quiet-lite.ts";
import { StartError } from "./start-error.ts";

/** One seeded person's way in. */
export interface Credentials {
  email: string;
  password: string;
}

/** Everything secret about one data folder, made at its first boot. */
export interface Keys {
  publishable: string;
  secret: string;
  jwtSecret: string;
  cronToken: string;
  operator: Credentials;
  viewer: Credentials;
}

const NAMES = ["publishable", "secret", "jwtSecret", "cronToken", "operator", "viewer"] as const;

/** Reads the folder's keys, or makes them when the folder has none yet. */
export async function openKeys(folder: string): Promise<Keys> {
  const file = join(folder, "keys.json");
  if (existsSync(file)) return readKeys(folder);
  const keys = await generateKeys();
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
  return keys;
}

/** Reads the folder's keys; a missing or damaged file is one sentence. */
export function readKeys(folder: string): Keys {
  const file = join(folder, "keys.json");
  if (!existsSync(file)) throw new StartError(`There is no data in ${folder} yet: \`npm start\` makes it.`);
  try {
    const keys = JSON.parse(readFileSync(file, "utf8")) as Keys;
    if (NAMES.every((name) => keys[name])) return keys;
  } catch {
    // not JSON: said below, together with what is incomplete
  }
  throw new StartError(`The data folder ${folder} is damaged (keys.json cannot be read): run \`npm run reset\`.`);
}

async function generateKeys(): Promise<Keys> {
  const { generateApiKey } = await loadLite();
  const [publishable, secret] = await Promise.all([generateApiKey("publishable"), generateApiKey("secret")]);
  const person = (name: string) => ({ email: `${name}@zoe.local`, password: randomBytes(12).toString("base64url") });
  return {
    publishable: publishable.key,
    secret: secret.key,
    jwtSecret: randomBytes(32).toString("base64url"),
    cronToken: randomBytes(24).toString("base64url"),
    operator: person("operator"),
    viewer: person("viewer"),
  };
}

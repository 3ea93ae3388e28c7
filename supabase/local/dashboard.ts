import { execFile } from "node:child_process";
import { createReadStream, existsSync, readdirSync, statSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { dirname, extname, join, normalize } from "node:path";
import { promisify } from "node:util";
import { close, listen } from "./api/http.ts";
import { StartError } from "./start-error.ts";

const TYPES: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript",
  ".json": "application/json",
  ".map": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

/** Builds `web/dist` unless it is newer than everything it is made from. */
export async function buildDashboard(root: string): Promise<void> {
  const built = join(root, "web", "dist", "index.html");
  const sources = [join(root, "web"), join(root, "shared"), join(root, "package-lock.json")];
  if (existsSync(built) && statSync(built).mtimeMs > Math.max(...sources.map(newestChange))) return;
  const vite = join(dirname(createRequire(import.meta.url).resolve("vite/package.json")), "bin", "vite.js");
  try {
    await promisify(execFile)(process.execPath, [vite, "build", "web", "--logLevel", "error"], { cwd: root });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new StartError(`The dashboard could not be built: ${stderr?.trim() || message}`);
  }
}

function newestChange(path: string): number {
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  const inside = readdirSync(path).filter((name) => name !== "dist" && name !== "e2e" && name !== "node_modules");
  return Math.max(0, ...inside.map((name) => newestChange(join(path, name))));
}

/** Serves the built dashboard, and `/config.js` with this platform's address and publishable key. */
export async function startDashboard(options: {
  root: string;
  port: number;
  apiUrl: string;
  publishableKey: string;
}): Promise<{ stop(): Promise<void> }> {
  const folder = join(options.root, "web", "dist");
  const config = `window.__ZOE__ = ${JSON.stringify({ url: options.apiUrl, publishableKey: options.publishableKey })};\n`;
  const server = createServer((request, response) => {
    const path = pathOf(request.url);
    if (path === null) return void response.writeHead(400).end();
    if (path === "/config.js") return send(response, ".js", config);
    const file = join(folder, normalize(path));
    if (file.startsWith(folder) && existsSync(file) && statSync(file).isFile()) return sendFile(response, file);
    // a page address is the app's own business; a missing file is not
    if (extname(path) === "") return sendFile(response, join(folder, "index.html"));
    response.writeHead(404, { "content-type": "text/plain" }).end("not found");
  });
  await listen(server, options.port);
  return { stop: () => close(server) };
}

/** Returns the decoded path, or null for an address that makes no sense. */
function pathOf(url = "/"): string | null {
  try {
    return decodeURIComponent(new URL(url, "http://dashboard").pathname);
  } catch {
    return null;
  }
}

function sendFile(response: ServerResponse, file: string): void {
  const lasting = file.includes(`${join("dist", "assets")}`);
  response.writeHead(200, {
    "content-type": TYPES[extname(file)] ?? "application/octet-stream",
    "cache-control": lasting ? "public, max-age=31536000, immutable" : "no-cache",
  });
  createReadStream(file).pipe(response);
}

function send(response: ServerResponse, extension: string, body: string): void {
  response.writeHead(200, { "content-type": `${TYPES[extension]}`, "cache-control": "no-store" }).end(body);
}

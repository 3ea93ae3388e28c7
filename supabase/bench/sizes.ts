import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { TICK_NAMES } from "../functions/_shared/store.ts";
import { emit } from "./emit.ts";

const HOME = resolve(import.meta.dirname, "../..");
type Chunk = Rolldown.OutputChunk;

/** Weighs each function's bundle, and the JavaScript that the dashboard needs before it shows anything. */
export async function benchSizes(): Promise<void> {
  for (const name of TICK_NAMES) {
    const chunks = await bundle({ ssr: resolve(HOME, `supabase/functions/${name}/index.ts`) });
    emit("function_bundle", chunks.reduce((sum, { code }) => sum + Buffer.byteLength(code), 0) / 1024, "KB", {
      function: name,
    });
  }
  const chunks = await bundle(null);
  const first = firstLoad(chunks);
  emit("dashboard_first_load", first.reduce((sum, { code }) => sum + gzipSync(code).length, 0) / 1024, "KB gzipped", {
    chunks: first.length,
    of: chunks.length,
  });
}

async function bundle(functions: { readonly ssr: string } | null): Promise<Chunk[]> {
  const outputs = await build({
    ...(functions
      ? { configFile: false, root: HOME, ssr: { noExternal: true, target: "webworker" } }
      : { root: resolve(HOME, "web") }),
    logLevel: "error",
    build: { ...(functions ?? {}), write: false, minify: functions === null },
  });
  return [outputs].flat().flatMap((one) => ("output" in one ? one.output.filter((item) => item.type === "chunk") : []));
}

/** The entry and everything it imports at once, not on demand. */
function firstLoad(chunks: readonly Chunk[]): Chunk[] {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const needed = new Set<Chunk>();
  const take = (chunk: Chunk | undefined) => {
    if (!chunk || needed.has(chunk)) return;
    needed.add(chunk);
    for (const name of chunk.imports) take(byName.get(name));
  };
  for (const chunk of chunks) if (chunk.isEntry) take(chunk);
  return [...needed];
}

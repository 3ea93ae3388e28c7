import type { QueryClient } from "@tanstack/react-query";

const COALESCE_MS = 40;

/**
 * Looks at queries again by the first word of their keys: changes that come together are one look, and a change during a look
 * is looked at right after it, so that neither a busy market nor a slow answer can starve the screen.
 */
export function refresher(queries: QueryClient): { lookAgain(keys: readonly string[]): void; stop(): void } {
  const wanted = new Set<string>();
  const running = new Map<string, "once" | "again">();
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function look(key: string) {
    if (running.has(key)) return void running.set(key, "again");
    running.set(key, "once");
    await queries.invalidateQueries({ predicate: (query) => query.queryKey[0] === key });
    const again = running.get(key) === "again";
    running.delete(key);
    if (again) await look(key);
  }

  function flush() {
    timer = undefined;
    const keys = [...wanted];
    wanted.clear();
    for (const key of keys) void look(key);
  }

  return {
    lookAgain(keys) {
      for (const key of keys) wanted.add(key);
      timer ??= setTimeout(flush, COALESCE_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

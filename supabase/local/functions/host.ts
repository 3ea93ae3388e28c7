/**
 * Runs inside Deno, one process per function: gives the function's `Deno.serve` a free port on 127.0.0.1, tells the
 * parent which, and offers `EdgeRuntime.waitUntil` as the hosted runtime does.
 */
const [entrypoint] = Deno.args;
if (!entrypoint) throw new Error("the entrypoint is missing");

const background = new Set<Promise<unknown>>();

Object.defineProperty(globalThis, "EdgeRuntime", {
  value: {
    waitUntil(work: Promise<unknown>): void {
      const watched = work
        .catch((error) => console.error("background work failed:", error))
        .finally(() => background.delete(watched));
      background.add(watched);
    },
  },
});

const serve = Deno.serve;
Object.defineProperty(Deno, "serve", {
  value: (...args: unknown[]) => {
    const handler = args.find((arg) => typeof arg === "function") as Deno.ServeHandler | undefined;
    const fromOptions = (args[0] as { handler?: Deno.ServeHandler }).handler;
    const chosen = handler ?? fromOptions;
    if (!chosen) throw new Error("Deno.serve was called without a handler");
    const onListen = ({ port }: { port: number }) => console.log(`@zoe-host listening ${port}`);
    return serve({ hostname: "127.0.0.1", port: 0, onListen }, chosen);
  },
});

// The parent asks for a quiet end: work that goes on after its answer may finish first.
Deno.addSignalListener("SIGTERM", () => {
  void Promise.all(background).finally(() => Deno.exit(0));
});

await import(entrypoint);

import { type ReactNode, useState } from "react";

/** A command's button state: run it, know that it is under way, and show why it was refused. */
export function useCommand(work: () => Promise<unknown>): { run: () => void; busy: boolean; error: ReactNode } {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string>();
  const run = () => {
    setBusy(true);
    setFailure(undefined);
    work()
      .catch((error: unknown) => setFailure(error instanceof Error ? error.message : String(error)))
      .finally(() => setBusy(false));
  };
  const error = failure && (
    <p className="error" role="alert">
      {failure}
    </p>
  );
  return { run, busy, error };
}

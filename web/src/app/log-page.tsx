import { HealthPanel } from "../features/log/health-panel.tsx";
import { ReconciliationsPanel } from "../features/log/reconciliations-panel.tsx";
import { RejectedPricesPanel } from "../features/log/rejected-prices-panel.tsx";
import { RunsPanel } from "../features/log/runs-panel.tsx";
import { ThoughtsPanel } from "../features/log/thoughts-panel.tsx";
import type { Mode } from "../lib/mode.ts";

/** What is read the morning after. */
export function LogPage({ mode, canCommand }: { mode: Mode; canCommand: boolean }) {
  return (
    <div className="columns">
      <div>
        <ThoughtsPanel />
      </div>
      <div>
        <HealthPanel mode={mode} />
        <ReconciliationsPanel mode={mode} />
        <RejectedPricesPanel />
        <RunsPanel canCommand={canCommand} />
      </div>
    </div>
  );
}

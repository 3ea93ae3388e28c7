import { EquityPanel } from "../features/equity/equity-panel.tsx";
import { FillsPanel } from "../features/fills/fills-panel.tsx";
import { Summary } from "../features/header/summary.tsx";
import { OrdersPanel } from "../features/orders/orders-panel.tsx";
import { PositionsPanel } from "../features/positions/positions-panel.tsx";
import { ScanPanel } from "../features/scan/scan-panel.tsx";
import type { Mode } from "../lib/mode.ts";

/** The page an operator leaves open. */
export function Overview({ mode, canCommand }: { mode: Mode; canCommand: boolean }) {
  return (
    <>
      <Summary mode={mode} />
      <div className="columns">
        <div>
          <PositionsPanel mode={mode} />
          <OrdersPanel mode={mode} canCommand={canCommand} />
        </div>
        <div>
          <EquityPanel mode={mode} />
          <ScanPanel mode={mode} />
          <FillsPanel mode={mode} />
        </div>
      </div>
    </>
  );
}

import { useQuery } from "@tanstack/react-query";
import { headerQuery } from "../features/header/header-query.ts";
import { CommandsPanel } from "../features/settings/commands-panel.tsx";
import { FeesPanel } from "../features/settings/fees-panel.tsx";
import { KnobsPanel } from "../features/settings/knobs-panel.tsx";
import type { Mode } from "../lib/mode.ts";

/** Knobs and rare commands. */
export function SettingsPage({ mode, canCommand }: { mode: Mode; canCommand: boolean }) {
  const header = useQuery(headerQuery(mode));
  const safeMode = header.data?.trading_state.reasons.some((reason) => reason.code === "SAFE_MODE") ?? false;
  return (
    <>
      {canCommand && <CommandsPanel mode={mode} safeMode={safeMode} />}
      {header.data && <FeesPanel mode={mode} fees={header.data.account} canCommand={canCommand} />}
      <KnobsPanel canCommand={canCommand} />
    </>
  );
}

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { configQuery, type Knob } from "../../lib/config-query.ts";
import { callRpc } from "../../lib/rpc.ts";
import { useCommand } from "../../ui/command.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";

/** Every knob with its meaning and range; the database validates what is saved. */
export function KnobsPanel({ canCommand }: { canCommand: boolean }) {
  const query = useQuery(configQuery);
  const [wanted, setWanted] = useState("");
  const search = (
    <input
      type="search"
      className="search"
      aria-label="Find a knob"
      placeholder="Find a knob"
      value={wanted}
      onChange={(event) => setWanted(event.target.value)}
    />
  );
  const shown = query.data?.filter((knob) => knob.key !== "kill_switch" && matches(knob, wanted)) ?? [];
  return (
    <Panel title="Knobs: a change applies to the next decision" note={search}>
      <Loaded query={query} isEmpty={() => shown.length === 0} empty={`No knob is about “${wanted}”.`}>
        {() => (
          <ul className="knobs">
            {shown.map((knob) => (
              <KnobRow key={knob.key} knob={knob} canCommand={canCommand} />
            ))}
          </ul>
        )}
      </Loaded>
    </Panel>
  );
}

const matches = (knob: Knob, wanted: string) =>
  `${knob.key} ${knob.description}`.toLowerCase().includes(wanted.trim().toLowerCase());

function KnobRow({ knob, canCommand }: { knob: Knob; canCommand: boolean }) {
  const queries = useQueryClient();
  const [draft, setDraft] = useState<string>();
  const value = draft ?? knob.value;
  const save = useCommand(async () => {
    await callRpc("set_config", { key: knob.key, value });
    await queries.invalidateQueries({ queryKey: ["config"] });
    setDraft(undefined);
  });
  const fixed = !canCommand || knob.source === "env";
  return (
    <li>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (draft !== undefined) save.run();
        }}
      >
        <label htmlFor={`knob-${knob.key}`}>
          <code>{knob.key}</code>
          <span className="note">
            {knob.description} {range(knob)}
          </span>
          {knob.source === "env" && <span className="note">Set by the functions' environment; change it there.</span>}
          {knob.source === "operator" && <span className="note">Set by {knob.updated_by}.</span>}
        </label>
        <KnobInput knob={knob} value={value} disabled={fixed} onChange={setDraft} />
        {canCommand && (
          <button type="submit" className="primary" disabled={save.busy || value === knob.value}>
            Save
          </button>
        )}
      </form>
      {save.error}
    </li>
  );
}

function KnobInput(props: { knob: Knob; value: string; disabled: boolean; onChange: (value: string) => void }) {
  const { knob, value, disabled, onChange } = props;
  const choices = knob.choices ?? (knob.value_type === "boolean" ? ["true", "false"] : undefined);
  if (!choices) {
    return (
      <input
        id={`knob-${knob.key}`}
        className="numeric"
        value={value}
        disabled={disabled}
        onChange={(event) => onChange(event.target.value)}
      />
    );
  }
  return (
    <select
      id={`knob-${knob.key}`}
      value={value}
      disabled={disabled}
      onChange={(event) => onChange(event.target.value)}
    >
      {choices.map((choice) => (
        <option key={choice}>{choice}</option>
      ))}
    </select>
  );
}

function range({ min, max, default_value }: Knob): string {
  const limits = min !== null && max !== null ? `${min} to ${max}, ` : "";
  return `(${limits}default ${default_value || "empty"})`;
}

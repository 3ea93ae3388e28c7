import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { callRpc } from "../../lib/rpc.ts";
import { useCommand } from "../../ui/command.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";

interface Knob {
  readonly key: string;
  readonly value: string;
  readonly value_type: string;
  readonly min: string | null;
  readonly max: string | null;
  readonly choices: readonly string[] | null;
  readonly default_value: string;
  readonly description: string;
  readonly source: "default" | "operator" | "env";
  readonly updated_by: string;
}

const configQuery = queryOptions({ queryKey: ["config"], queryFn: () => callRpc<Knob[]>("dashboard_config") });

/** Every knob with its meaning and range; the database validates what is saved. */
export function KnobsPanel({ canCommand }: { canCommand: boolean }) {
  const query = useQuery(configQuery);
  return (
    <Panel title="Knobs" note="a change applies to the next decision">
      <Loaded query={query}>
        {(knobs) => (
          <ul className="knobs">
            {knobs
              .filter((knob) => knob.key !== "kill_switch")
              .map((knob) => (
                <KnobRow key={`${knob.key}=${knob.value}`} knob={knob} canCommand={canCommand} />
              ))}
          </ul>
        )}
      </Loaded>
    </Panel>
  );
}

function KnobRow({ knob, canCommand }: { knob: Knob; canCommand: boolean }) {
  const queries = useQueryClient();
  const [value, setValue] = useState(knob.value);
  const save = useCommand(async () => {
    await callRpc("set_config", { key: knob.key, value });
    await queries.invalidateQueries();
  });
  const fixed = !canCommand || knob.source === "env";
  return (
    <li>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.run();
        }}
      >
        <label htmlFor={`knob-${knob.key}`}>
          <code>{knob.key}</code>
          <span className="note">
            {knob.description} {range(knob)}
          </span>
          {knob.source === "env" && <span className="note">Set by the functions' environment; change it there.</span>}
        </label>
        <KnobInput knob={knob} value={value} disabled={fixed} onChange={setValue} />
        {value !== knob.value && (
          <button type="submit" className="primary" disabled={save.busy}>
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

function range(knob: Knob): string {
  const parts = [
    knob.min !== null && `from ${knob.min}`,
    knob.max !== null && `to ${knob.max}`,
    `default ${knob.default_value || "empty"}`,
  ];
  return `(${parts.filter(Boolean).join(" ")})`;
}

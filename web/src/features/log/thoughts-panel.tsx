import { queryOptions, useQuery } from "@tanstack/react-query";
import { instant, words } from "../../lib/format.ts";
import { callRpc } from "../../lib/rpc.ts";
import { useServerNow } from "../../lib/server-clock.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";

interface Thought {
  readonly id: string | number;
  readonly engine: string;
  readonly type: string;
  readonly symbol: string | null;
  readonly content: string;
  readonly created_at: string;
}

const thoughtsQuery = queryOptions({
  queryKey: ["log", "thoughts"],
  queryFn: () => callRpc<Thought[]>("dashboard_thoughts", { p_limit: 100 }),
});

/** Why the engine did what it did, newest first. */
export function ThoughtsPanel() {
  const query = useQuery(thoughtsQuery);
  const now = useServerNow();
  return (
    <Panel title="Thoughts" note="the last 100" className="long">
      <Loaded query={query} empty="The engine has not decided anything yet.">
        {(thoughts) => (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
          <ol className="thoughts" aria-label="Thoughts" tabIndex={0}>
            {thoughts.map((thought) => (
              <li key={thought.id}>
                <time dateTime={thought.created_at}>{instant(thought.created_at, now)}</time>
                <span className="note">
                  {words(thought.engine)} · {words(thought.type)}
                </span>
                <span>
                  {thought.symbol && !thought.content.startsWith(thought.symbol) && <strong>{thought.symbol} </strong>}
                  {thought.content}
                </span>
              </li>
            ))}
          </ol>
        )}
      </Loaded>
    </Panel>
  );
}

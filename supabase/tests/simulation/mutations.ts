/** A deliberate bug: texts that are replaced in a copy of the sources, each in a file or in the one file of a folder that has it. */
export interface Mutation {
  readonly name: string;
  readonly patches: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
}

/** Chapters are found by their text: they may be renumbered. */
const SQL = "supabase/migrations";
const HOLDS_LEASE = "where l.name = v_run.name and l.run_id = p_run_id and l.token = p_token and l.expires_at > v_now;";

/** The bugs that the simulation must find. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: "ignore a late fill",
    patches: [
      {
        file: SQL,
        find: "  b := private.book_report(o, r);",
        replace:
          "  if private.phase(o.status) = 'closed' then return false; end if;\n  b := private.book_report(o, r);",
      },
    ],
  },
  {
    name: "resend after a timeout",
    patches: [
      {
        file: SQL,
        find: "when 'new' then 'send' when 'cancel_pending'",
        replace: "when 'new' then 'send' when 'submitted' then 'send' when 'cancel_pending'",
      },
    ],
  },
  {
    name: "treat a network error as not found",
    patches: [
      {
        file: "supabase/functions/_shared/brokers/classify.ts",
        find: 'if (answer.kind === "no_answer") return unavailable(answer.message);',
        replace: 'if (answer.kind === "no_answer") return { kind: "not_found", message: answer.message };',
      },
    ],
  },
  {
    name: "replace with the full quantity",
    patches: [
      {
        file: SQL,
        find: "v_qty := private.rest_of(v_intent, v_price);",
        replace: "v_qty := v_parent.qty;",
      },
    ],
  },
  {
    name: "skip the lease check",
    patches: [
      {
        file: SQL,
        find: "if not found then\n    raise exception 'lease_lost'",
        replace: "if false then\n    raise exception 'lease_lost'",
      },
    ],
  },
  {
    name: "drop the fencing token",
    patches: [{ file: SQL, find: HOLDS_LEASE, replace: "where l.name = v_run.name and l.expires_at > v_now;" }],
  },
  {
    name: "mark canceled before proof",
    patches: [
      {
        file: SQL,
        find: "set status = case o.status when 'new' then 'canceled' else 'cancel_pending' end,",
        replace: "set status = 'canceled',",
      },
    ],
  },
  {
    name: "forget the partial",
    patches: [
      {
        file: SQL,
        find: "  if v_total > v_booked.qty then",
        replace: "  if v_total > v_booked.qty and p_report.state <> 'canceled' then",
      },
    ],
  },
  {
    name: "accept an expired lease",
    patches: [
      {
        file: SQL,
        find: HOLDS_LEASE,
        replace: "where l.name = v_run.name and l.run_id = p_run_id and l.token = p_token;",
      },
    ],
  },
  {
    name: "apply a report twice",
    patches: [
      {
        file: SQL,
        find: "v_total := greatest(v_booked.qty, coalesce(p_report.filled_qty, v_booked.named_qty + v_list.new_qty));",
        replace: "v_total := v_booked.qty + coalesce(p_report.filled_qty, 0);",
      },
    ],
  },
  {
    name: "let dust keep what it had",
    patches: [
      {
        file: SQL,
        find: "select p.engine is null or private.dust(p.mode, p.symbol, p.qty)\n      --",
        replace: "select p.engine is null\n      --",
      },
    ],
  },
  {
    name: "take another id for another execution",
    patches: [
      { file: SQL, find: "and (not p.is_alike or pg_catalog.sum", replace: "and (true or pg_catalog.sum" },
      {
        file: SQL,
        find: "coalesce(p_report.filled_qty, v_booked.named_qty + v_list.new_qty));",
        replace: "v_booked.named_qty + v_list.new_qty);",
      },
      { file: SQL, find: "if v_list.new_qty > 0 and (private.is_beyond", replace: "if false and (private.is_beyond" },
    ],
  },
  {
    name: "believe every price at once",
    patches: [
      {
        file: "shared/market/price-check.ts",
        find: "if (pending !== null && pending.side === far.side) {",
        replace: "if (far !== null) {",
      },
    ],
  },
];

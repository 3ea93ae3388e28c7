-- Where an engine has something to do: in the mode its knob says, and wherever it still holds something.

create function private.mode_of(p_engine text) returns text
language plpgsql stable set search_path = ''
as $$
begin
  return private.knob_text(case p_engine when 'trader' then 'TRADER_MODE' when 'edge_factory' then 'EDGE_FACTORY_MODE' end);
end
$$;
comment on function private.mode_of is 'The mode an engine''s knob says: disabled, paper or live.';
grant execute on function private.mode_of to zoe_engine;

create function private.has_charge(p_engine text, p_mode text) returns boolean
language plpgsql stable security definer set search_path = ''
as $$
begin
  return exists (
    select from public.positions as p
    -- What was adopted without an engine is the trader's to look after.
    where p.mode = p_mode and p.qty > 0 and coalesce(p.engine, 'trader') = p_engine and not private.dust(p.mode, p.symbol, p.qty)
  ) or exists (
    select from public.crypto_orders as o
    where o.mode = p_mode and o.engine = p_engine and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
  ) or exists (
    select from public.crypto_orders as o where o.mode = p_mode and o.engine = p_engine and o.unresolved
  );
end
$$;
comment on function private.has_charge is 'Whether an engine holds more than dust in a mode, or has an order there that is live or unexplained.';
alter function private.has_charge owner to zoe_engine;

create function private.engine_modes(p_engine text) returns text[]
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_own text := private.mode_of(p_engine);
begin
  return array(
    select m.mode from pg_catalog.unnest(array['live', 'paper']) as m (mode)
    where m.mode = v_own or private.has_charge(p_engine, m.mode)
    order by m.mode = v_own desc, m.mode
  );
end
$$;
comment on function private.engine_modes is
  'The modes an engine works in now, its own first; in the others it only exits until it is flat. Empty: it is disabled, holds nothing, and is not called.';
grant execute on function private.engine_modes to authenticated;
alter function private.engine_modes owner to zoe_engine;

-- The command that corrects an order. Beside the other commands, which fill their chapter.

create function private.command_correct_order(
  p_order_id uuid, p_filled_qty text, p_average_price text, p_fee text, p_reason text, p_fill_id text
) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := private.require_operator();
  v_told jsonb := pg_catalog.jsonb_build_object('filled_qty', p_filled_qty, 'average_price', p_average_price, 'fee', p_fee);
begin
  return private.correct_order(
    p_order_id, private.read_amount(v_told, 'filled_qty'), private.read_amount(v_told, 'average_price'), private.read_amount(v_told, 'fee'),
    p_reason, nullif(pg_catalog.btrim(p_fill_id), ''), v_actor
  );
end
$$;
comment on function private.command_correct_order is 'Corrects what was booked of an order for an operator.';
grant execute on function private.command_correct_order to authenticated;
alter function private.command_correct_order owner to zoe_engine;

create function public.correct_order(
  order_id uuid, filled_qty text, average_price text, fee text, reason text, fill_id text default null
) returns jsonb
language sql security invoker set search_path = ''
return private.command_correct_order(order_id, filled_qty, average_price, fee, reason, fill_id);
comment on function public.correct_order is
  'Operators: the broker took back or changed what it had told of an order (of one execution, by fill_id): this much was filled after all (average price and fee in USD of it).';
grant execute on function public.correct_order to authenticated;

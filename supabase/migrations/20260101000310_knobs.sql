-- Knobs at work: reading, validating, changing.

create function private.iso(p_at timestamptz) returns text
language plpgsql stable set search_path = ''
as $$
begin
  return pg_catalog.to_char(p_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
end
$$;
comment on function private.iso is 'A moment as the wire has it: ISO 8601 in UTC with microseconds and Z.';
grant execute on function private.iso to authenticated, service_role, zoe_engine;

create function private.parse_amount(p_text text) returns numeric
language plpgsql immutable set search_path = ''
as $$
begin
  if p_text ~ '^\s*[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,2})?\s*$' then
    return pg_catalog.trim_scale(p_text::numeric);
  end if;
  return null;
end
$$;
comment on function private.parse_amount is 'The number a text spells in plain decimals, or null: NaN, infinity, hex and garbage are none.';
grant execute on function private.parse_amount to authenticated, service_role, zoe_engine;

create function private.read_amount(p jsonb, p_field text) returns numeric
language plpgsql immutable set search_path = ''
as $$
declare
  v_amount numeric := private.parse_amount(p ->> p_field);
begin
  if v_amount is null and pg_catalog.jsonb_typeof(p -> p_field) <> 'null' then
    raise exception '% can''t be %: it must be a finite decimal number, as text or number.', p_field, p -> p_field
      using errcode = 'PT400';
  end if;
  return v_amount;
end
$$;
comment on function private.read_amount is 'An amount of a payload, text or number; null when absent. Raises PT400 for NaN, infinity and garbage.';
grant execute on function private.read_amount to authenticated, service_role, zoe_engine;

create function private.knob_text(key text) returns text
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_value text;
begin
  select c.value into v_value from public.config as c where c.key = knob_text.key;
  if v_value is null then
    raise exception 'There is no knob named %.', coalesce(knob_text.key, 'null') using errcode = 'PT404';
  end if;
  return v_value;
end
$$;
comment on function private.knob_text is 'A knob''s value. Raises PT404 for an unknown one, so that a missing limit can never mean no limit.';
grant execute on function private.knob_text to authenticated, service_role;
alter function private.knob_text owner to zoe_engine;

create function private.knob_number(key text) returns numeric
language plpgsql stable set search_path = ''
as $$
begin
  return private.knob_text(knob_number.key)::numeric;
end
$$;
comment on function private.knob_number is 'A knob''s value as a number.';
grant execute on function private.knob_number to authenticated, service_role, zoe_engine;

create function private.knob_boolean(key text) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return private.knob_text(knob_boolean.key)::boolean;
end
$$;
comment on function private.knob_boolean is 'A knob''s value as a boolean.';
grant execute on function private.knob_boolean to authenticated, service_role, zoe_engine;

create function private.describe_knob(p_knob public.config) returns text
language sql immutable set search_path = ''
return case (p_knob).value_type
  when 'boolean' then 'true or false'
  when 'integer' then pg_catalog.format('a whole number from %s to %s', (p_knob).min, (p_knob).max)
  when 'number' then pg_catalog.format('a number from %s to %s', (p_knob).min, (p_knob).max)
  when 'choice' then 'one of ' || pg_catalog.array_to_string((p_knob).choices, ', ')
  else 'a text of at most 500 characters'
end;
comment on function private.describe_knob is 'What a knob allows, as the end of a sentence.';
grant execute on function private.describe_knob to zoe_engine;

create function private.read_knob(p_knob public.config, p_value text) returns text
language plpgsql immutable set search_path = ''
as $$
declare
  v_text text := pg_catalog.btrim(p_value, E' \t\r\n');
  v_number numeric := private.parse_amount(v_text);
begin
  if p_knob.value_type in ('integer', 'number') and not coalesce(v_number between p_knob.min and p_knob.max, false) then return null; end if;
  return case p_knob.value_type
    when 'boolean' then case
      when pg_catalog.lower(v_text) in ('true', 't', 'yes', 'y', 'on', '1') then 'true'
      when pg_catalog.lower(v_text) in ('false', 'f', 'no', 'n', 'off', '0') then 'false'
    end
    when 'integer' then case when v_number = pg_catalog.trunc(v_number) then pg_catalog.trunc(v_number)::text end
    -- More decimals than the functions read would stop every tick.
    when 'number' then case when pg_catalog.scale(v_number) <= 18 then v_text::numeric::text end
    when 'choice' then case when pg_catalog.lower(v_text) = any (p_knob.choices) then pg_catalog.lower(v_text) end
    when 'text' then case when pg_catalog.length(v_text) <= 500 then v_text end
  end;
end
$$;
comment on function private.read_knob is
  'A knob''s value in its one spelling (on -> true), or null for what it doesn''t allow. parseKnob in shared/config/ reads the same ones.';
grant execute on function private.read_knob to zoe_engine;

create function private.knob_refusal(p_knob public.config, p_value text) returns text
language sql immutable set search_path = ''
return pg_catalog.format('%s can''t be %s: it must be %s.',
  (p_knob).key, coalesce('''' || pg_catalog.left(p_value, 100) || '''', 'null'), private.describe_knob(p_knob));
comment on function private.knob_refusal is 'The sentence that refuses a value: it names the knob, the value and what is allowed.';
grant execute on function private.knob_refusal to zoe_engine;

create function private.normalise_knob(p_knob public.config, p_value text) returns text
language plpgsql immutable set search_path = ''
as $$
declare
  v_result text := private.read_knob(p_knob, p_value);
begin
  if v_result is null then
    raise exception '%', private.knob_refusal(p_knob, p_value) using errcode = 'PT400';
  end if;
  return v_result;
end
$$;
comment on function private.normalise_knob is 'A knob''s value in its one spelling. Raises PT400 with the key, the value and what is allowed.';
grant execute on function private.normalise_knob to zoe_engine;

create function private.unknown_knob(p_key text) returns text
language sql stable set search_path = ''
return pg_catalog.format(
  'There is no knob named %L. Known knobs: %s.',
  p_key, (select pg_catalog.string_agg(c.key, ', ' order by c.key) from public.config as c)
);
comment on function private.unknown_knob is 'The sentence that refuses an unknown knob.';
grant execute on function private.unknown_knob to zoe_engine;

create function private.set_knob(p_key text, p_value text, p_actor text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_knob public.config;
begin
  perform private.lock_accounts();
  perform private.set_actor(p_actor);
  select * into v_knob from public.config as c where c.key = p_key;
  if v_knob.key is null then
    raise exception '%', private.unknown_knob(p_key) using errcode = 'PT404';
  end if;
  update public.config as c set value = p_value, source = 'operator' where c.key = p_key returning c.* into v_knob;
  return pg_catalog.jsonb_build_object('key', v_knob.key, 'value', v_knob.value, 'source', v_knob.source);
end
$$;
comment on function private.set_knob is 'Changes a knob for an operator. Raises PT404 unknown, PT400 bad value, PT409 set by the environment.';
alter function private.set_knob owner to zoe_engine;

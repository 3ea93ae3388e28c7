-- Knobs: one row each, validated and normalised by the database itself.

create table public.config (
  key text primary key,
  value text not null,
  value_type text not null
    constraint config_value_type_known check (value_type in ('boolean', 'integer', 'number', 'text', 'choice')),
  min numeric,
  max numeric,
  choices text[],
  default_value text not null,
  description text not null,
  source text not null default 'default' constraint config_source_known check (source in ('default', 'operator', 'env')),
  updated_at timestamptz not null default private.clock(),
  updated_by text not null default 'default'
);
comment on table public.config is 'Every knob of the runbook under its name. A trigger refuses unknown keys and bad values with a sentence.';
alter table public.config enable row level security;

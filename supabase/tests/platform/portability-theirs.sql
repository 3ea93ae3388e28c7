-- What somebody else has built in the same project, as postgres, before Zoe comes.

create extension pg_cron with schema pg_catalog;
create extension pg_net with schema extensions;
create table public.guestbook (id bigint generated always as identity primary key, line text);
alter table public.guestbook enable row level security;
create policy "Everybody reads" on public.guestbook for select using (true);
grant select on public.guestbook to anon;
create view public.last_lines as select line from public.guestbook order by id desc limit 10;
create function public.greet(name text) returns text language sql return 'hello ' || name;
create function public.greet() returns text language sql return 'hello';
create type public.mood as enum ('good', 'bad');
alter publication supabase_realtime add table public.guestbook;
create schema app;
create table app.notes (id integer primary key);
alter default privileges in schema app grant select on tables to authenticated;
select cron.schedule('nightly', '0 1 * * *', 'select public.greet()');
select vault.create_secret('theirs', 'their secret');
insert into public.guestbook (line) values ('first');

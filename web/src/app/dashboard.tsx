import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { AlertBanner } from "../features/alerts/alert-banner.tsx";
import { HeaderBar } from "../features/header/header-bar.tsx";
import { headerQuery } from "../features/header/header-query.ts";
import { type Connection, keepFresh } from "../lib/live.ts";
import { useMode } from "../lib/mode.ts";
import { signOut } from "../lib/session.ts";
import { LogPage } from "./log-page.tsx";
import { Overview } from "./overview.tsx";
import { SettingsPage } from "./settings-page.tsx";

/** The screen: header and alerts always in sight, three pages below. */
export function Dashboard({ email }: { email: string }) {
  const mode = useMode();
  const queries = useQueryClient();
  const [connection, setConnection] = useState<Connection>("connecting");
  useEffect(() => keepFresh(queries, setConnection), [queries]);
  const header = useQuery(headerQuery(mode));
  const canCommand = header.data?.role === "operator";
  if (header.data && header.data.role === null) return <NotInvited email={email} />;
  const page = { mode, canCommand };
  return (
    <>
      <HeaderBar mode={mode} connection={connection} />
      <AlertBanner {...page} />
      <nav aria-label="Pages">
        <Tab href="/" name="Overview" />
        <Tab href="/log" name="Log" />
        <Tab href="/settings" name="Settings" />
      </nav>
      <main>
        <Switch>
          <Route path="/log">
            <LogPage {...page} />
          </Route>
          <Route path="/settings">
            <SettingsPage {...page} />
          </Route>
          <Route>
            <Overview {...page} />
          </Route>
        </Switch>
      </main>
    </>
  );
}

function Tab({ href, name }: { href: string; name: string }) {
  const [here] = useLocation();
  return (
    <Link
      href={`${href}${window.location.search}`}
      className={here === href ? "tab here" : "tab"}
      aria-current={here === href ? "page" : undefined}
    >
      {name}
    </Link>
  );
}

function NotInvited({ email }: { email: string }) {
  return (
    <main className="alone">
      <h1>Not invited</h1>
      <p>
        {email} is signed in but is neither a viewer nor an operator. An operator can add it to the table “operators”.
      </p>
      <button type="button" onClick={() => void signOut()}>
        Sign out
      </button>
    </main>
  );
}

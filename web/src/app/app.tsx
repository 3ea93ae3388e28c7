import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";
import { useSession } from "../lib/session.ts";
import { Dashboard } from "./dashboard.tsx";
import { SignIn } from "./sign-in.tsx";

/** Signed-in people only; a new session starts with empty queries. */
export function App() {
  const session = useSession();
  if (session === undefined) return <p className="alone loading">Loading…</p>;
  if (session === null) return <SignIn />;
  return <SignedIn key={session.user.id} />;
}

function SignedIn() {
  const [queries] = useState(
    () =>
      new QueryClient({
        defaultOptions: {
          queries: {
            staleTime: Number.POSITIVE_INFINITY,
            retry: 1,
            refetchOnWindowFocus: "always",
            refetchOnReconnect: "always",
          },
        },
      }),
  );
  return (
    <QueryClientProvider client={queries}>
      <Dashboard />
    </QueryClientProvider>
  );
}

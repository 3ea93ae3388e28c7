import { Component, type ReactNode } from "react";

/** Shows a broken screen's reason instead of an empty page. */
export class Failure extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {};

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <main className="alone">
        <h1>Zoe can't show this screen</h1>
        <p className="error" role="alert">
          {this.state.error.message}
        </p>
        <button type="button" onClick={() => window.location.reload()}>
          Reload
        </button>
      </main>
    );
  }
}

import { AreaSeries, createChart, type IChartApi, type ISeriesApi, type UTCTimestamp } from "lightweight-charts";
import { useEffect, useRef } from "react";
import { usd } from "../../lib/format.ts";
import { useIsDark } from "../../lib/scheme.ts";
import type { EquityPoint } from "./equity-panel.tsx";

/** Draws the equity curve in the reader's time zone. A picture only: the figures stay exact text elsewhere. */
export default function EquityChart({ points }: { points: readonly EquityPoint[] }) {
  const isDark = useIsDark();
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<{ api: IChartApi; series: ISeriesApi<"Area"> }>(null);
  useEffect(() => {
    if (!box.current) return;
    const ink = getComputedStyle(box.current);
    const api = createChart(box.current, {
      autoSize: true,
      layout: { background: { color: "transparent" }, textColor: ink.color, attributionLogo: true },
      grid: { vertLines: { visible: false }, horzLines: { color: "rgb(128 128 128 / 0.2)" } },
      rightPriceScale: { borderVisible: false },
      timeScale: { borderVisible: false, timeVisible: true, secondsVisible: false },
      handleScroll: false,
      handleScale: false,
    });
    const series = api.addSeries(AreaSeries, {
      lineWidth: 2,
      lineColor: "#2a8f6d",
      topColor: "rgb(42 143 109 / 0.25)",
      bottomColor: "rgb(42 143 109 / 0)",
    });
    chart.current = { api, series };
    return () => api.remove();
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the ink changes with the scheme
  useEffect(() => {
    if (!box.current) return;
    chart.current?.api.applyOptions({ layout: { textColor: getComputedStyle(box.current).color } });
  }, [isDark]);
  useEffect(() => {
    chart.current?.series.setData(atMostOnePerSecond(points));
    chart.current?.api.timeScale().fitContent();
  }, [points]);
  const last = points.at(-1);
  return <div ref={box} className="chart" role="img" aria-label={`Equity curve, now ${usd(last?.equity)}`} />;
}

function atMostOnePerSecond(points: readonly EquityPoint[]) {
  const bySecond = new Map(points.map((point) => [localSecond(point.at), Number(point.equity)]));
  return [...bySecond].sort(([a], [b]) => a - b).map(([time, value]) => ({ time: time as UTCTimestamp, value }));
}

/** The library knows no time zones: it is given the reader's wall clock as if it were UTC. */
function localSecond(iso: string): number {
  const date = new Date(iso);
  return Math.floor(date.getTime() / 1000) - date.getTimezoneOffset() * 60;
}

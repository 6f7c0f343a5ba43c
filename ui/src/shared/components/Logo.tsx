/** A ringed planet that is also a play button. The same drawing as the app's icon, without its ground. */
export function Logo({ size = 32 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 64 64" fill="none" aria-hidden="true">
      <g transform="rotate(-22 32 32)">
        <path d="M4.5 32a27.5 8.6 0 0 1 55 0" stroke="var(--chart)" strokeWidth="3" strokeLinecap="round" />
      </g>
      <circle cx="32" cy="32" r="17.5" fill="var(--lamp)" />
      <path
        d="M27.6 24.4a1.3 1.3 0 0 1 2-1.1l10.6 7.2a1.8 1.8 0 0 1 0 3l-10.6 7.2a1.3 1.3 0 0 1-2-1.1z"
        fill="var(--lamp-ink)"
      />
      <g transform="rotate(-22 32 32)">
        <path d="M4.5 32a27.5 8.6 0 0 0 55 0" stroke="var(--chart)" strokeWidth="3" strokeLinecap="round" />
      </g>
    </svg>
  );
}

/** A device as a picture: a phone, a computer, or a window for anything else. */
import type { Device } from '../../risk/user-agent';

const PHONE = /\b(iOS|iPhone|iPad|Android|HarmonyOS)\b/i;
const COMPUTER = /\b(Windows|macOS|Linux|Chrome OS|Chromium OS|FreeBSD|Ubuntu)\b/i;

export const DeviceIcon = ({ device: { platform } }: { device: Pick<Device, 'platform'> }) => (
  <span class="icon" aria-hidden="true">
    <svg viewBox="0 0 24 24" focusable="false">
      <title>{''}</title>
      <path d={toPath(platform ?? '')} />
    </svg>
  </span>
);

function toPath(name: string): string {
  if (PHONE.test(name)) return 'M7 3h10v18H7zM11 18h2';
  if (COMPUTER.test(name)) return 'M5 5h14v9H5zM3 18h18';
  return 'M3 5h18v14H3zM3 9h18';
}

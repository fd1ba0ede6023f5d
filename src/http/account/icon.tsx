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
  if (PHONE.test(name))
    return 'M8 2.5h8a1.5 1.5 0 0 1 1.5 1.5v16a1.5 1.5 0 0 1-1.5 1.5H8A1.5 1.5 0 0 1 6.5 20V4A1.5 1.5 0 0 1 8 2.5zM11 18.5h2';
  if (COMPUTER.test(name))
    return 'M5.5 4.5h13a1 1 0 0 1 1 1v9h-15v-9a1 1 0 0 1 1-1zM2.5 17.5h19l-1 2h-17z';
  return 'M4 4.5h16a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1zM3 9h18M6 6.75h.01M9 6.75h.01';
}

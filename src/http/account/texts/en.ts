/** English. Another language is another file like this one, listed in texts/index.ts. */
import type { SessionEventType } from '../../../config/webhooks';
import type { Reason } from '../../../risk/assess';

const events: Record<SessionEventType, string> = {
  session_created: 'Signed in',
  new_device: 'First sign-in on this kind of device',
  context_changed: 'Used from another network',
  mismatch: 'Unusual use',
  authenticated: 'Identity confirmed',
  answer_recovered: 'Reconnected after a pause',
  reauthentication_demanded: 'Blocked: a new sign-in was asked for',
  reuse_detected: 'Blocked: a copied sign-in was used',
  session_evicted: 'Signed out: too many devices',
  session_revoked: 'Signed out',
};

/** Reads after "Unusual use:". */
const reasons: Partial<Record<Reason, string>> = {
  asn_changed: 'another internet provider',
  country_changed: 'another country',
  browser_changed: 'another browser',
  platform_changed: 'another system',
  browser_downgraded: 'an older version of the browser',
  impossible_travel: 'a place too far away to reach in the time',
};

export const en = {
  language: 'en',
  devicesTitle: 'Your devices',
  devicesLead: 'Where you are signed in. Sign out of anything that you do not recognise.',
  thisDevice: 'This device',
  otherDevices: 'Other devices',
  noOtherDevices: 'You are not signed in anywhere else.',
  moreDevices: (shown: number) => `The ${shown} most recent are shown.`,
  unknownDevice: 'Unknown device',
  signedIn: 'Signed in',
  lastActive: 'Last active',
  activeNow: 'Active now',
  justNow: 'just now',
  unusual: (why: string) => (why ? `Unusual use: ${why}` : 'Unusual use'),
  signOut: 'Sign out',
  signOutDevice: (device: string) => `Sign out ${device}`,
  signOutOthers: 'Sign out of all other devices',
  confirmTitle: 'Sign out of all other devices?',
  confirmLead:
    'Everyone who is signed in elsewhere, you included, will have to sign in again. This device stays signed in.',
  cancel: 'Cancel',
  activityTitle: 'Recent activity',
  noActivity: 'Nothing has happened yet.',
  olderActivity: 'Show older activity',
  backToDevices: 'Back to your devices',
  done: {
    device: 'The device was signed out.',
    others: 'All other devices were signed out.',
  },
  signedOutTitle: 'You are signed out',
  signedOutLead: 'You have signed out on this device.',
  elsewhereTitle: 'Please sign in again',
  elsewhereLead:
    'This sign-in is being used from another device or place than before. Sign in again to go on here.',
  endedTitle: 'You are not signed in',
  endedLead:
    'Your session is over, or there is none in this browser. Sign in again to see your devices.',
  goToApp: 'Go to the app',
  notFoundTitle: 'There is nothing here',
  notFoundLead: 'There is no such page, or the device has been signed out already.',
  unavailableTitle: 'Please try again in a moment',
  unavailableLead: 'We could not reach your account just now. You are still signed in.',
  authenticateTitle: 'Please sign in again first',
  authenticateLead: 'To sign out other devices, you have to have signed in recently.',
  busyTitle: 'Please wait a moment',
  busyLead: 'There were too many requests in a short time. You are still signed in.',
  faultTitle: 'Something went wrong',
  faultLead: 'It was our fault, and you are still signed in. Please try again.',
  tryAgain: 'Try again',
  refusedTitle: 'That did not work',
  refusedLead: 'The request did not come from this page. Open your devices and try again.',
  unclearLead: 'The link or the form could not be understood, and nothing was changed.',
  startTitle: 'Continue signing in?',
  startLead: (app: string, host: string) =>
    `You followed a link that signs you in to ${app} and goes on to ${host}. Continue only if you have just signed in there yourself.`,
  startReplaces: 'You are signed in already. If you continue, that session ends.',
  startContinue: 'Continue',
  startRefusedTitle: 'This sign-in link does not work',
  startRefusedLead:
    'The link was used before, has expired, or is not complete. Nothing has changed in this browser. Sign in again from the app.',
  startUnavailableLead: 'We could not sign you in just now. Open the link again in a moment.',
  startElsewhereLead: 'The request came from another site. Sign in again from the app.',
  events,
  reasons,
  /** Who signed a device out. */
  by: { user: 'From one of your devices', system: 'Automatically' },
  byClient: (client: string) => (client ? `By ${client}` : 'By the app'),
  guest: 'Guest',
};

export type Texts = typeof en;

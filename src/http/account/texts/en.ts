/**
 * English, which is in the Worker itself. The other languages are files of the same keys below
 * assets/. Names in braces are filled in; a text with forms of the plural has one for each of its
 * language's categories (Intl.PluralRules).
 */
import type { SessionEventType } from '../../../config/event-types';
import type { Reason } from '../../../risk/assess';

/** `other` is the form of all categories that the others do not name. */
export type Plural = { other: string } & Partial<Record<Intl.LDMLPluralRule, string>>;

const events: Record<`event_${SessionEventType}`, string> = {
  event_session_created: 'Signed in',
  event_support_access: 'Support staff signed in as you',
  event_new_device: 'First sign-in on this kind of device',
  event_context_changed: 'Used from another network',
  event_mismatch: 'Unusual use',
  event_authenticated: 'Identity confirmed',
  event_answer_recovered: 'Reconnected after a pause',
  event_reauthentication_demanded: 'Blocked: a new sign-in was asked for',
  event_reuse_detected: 'Blocked: a copied sign-in was used',
  event_session_evicted: 'Signed out: too many devices',
  event_session_revoked: 'Signed out',
};

/** Another reason that is told says more, or it is nothing that a person could have noticed. */
type Untold =
  | 'network_changed'
  | 'moved_to_foreign_network'
  | 'platform_changed_on_other_network'
  | 'transport_changed';

/** These are listed after "Unusual use:". */
const reasons = {
  reason_asn_changed: 'another internet provider',
  reason_country_changed: 'another country',
  reason_browser_changed: 'another browser',
  reason_platform_changed: 'another system',
  reason_browser_downgraded: 'an older version of the browser',
  reason_impossible_travel: 'a place too far away to reach in the time',
} satisfies Record<`reason_${Exclude<Reason, Untold>}`, string>;

export const en = {
  devicesTitle: 'Your devices',
  devicesLead: 'Where you are signed in. Sign out of anything that you do not recognise.',
  thisDevice: 'This device',
  otherDevices: 'Other devices',
  noOtherDevices: 'You are not signed in anywhere else.',
  moreDevices: {
    one: 'The most recent one is shown.',
    other: 'The {count} most recent are shown.',
  } as Plural,
  unknownDevice: 'Unknown device',
  deviceOn: '{browser} on {platform}',
  placeIn: '{city}, {country}',
  signedInAt: 'Signed in {when}',
  lastActiveAt: 'Last active {when}',
  supportAs: 'Support access: {who}',
  activeNow: 'Active now',
  justNow: 'just now',
  unusualBecause: 'Unusual use: {reasons}',
  signOut: 'Sign out',
  signOutDevice: 'Sign out {device}',
  signOutOthers: 'Sign out of all other devices',
  confirmTitle: 'Sign out of all other devices?',
  confirmLead:
    'Everyone who is signed in elsewhere, you included, will have to sign in again. This device stays signed in.',
  cancel: 'Cancel',
  activityTitle: 'Recent activity',
  noActivity: 'Nothing has happened yet.',
  olderActivity: 'Show older activity',
  backToDevices: 'Back to your devices',
  done_device: 'The device was signed out.',
  done_others: 'All other devices were signed out.',
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
  supportLead: 'Support staff may not do this.',
  startTitle: 'Continue signing in?',
  startLead:
    'You followed a link that signs you in to {app} and goes on to {host}. Continue only if you have just signed in there yourself.',
  startReplaces: 'You are signed in already. If you continue, that session ends.',
  startContinue: 'Continue',
  startRefusedTitle: 'This sign-in link does not work',
  startRefusedLead:
    'The link was used before, has expired, or is not complete. Nothing has changed in this browser. Sign in again from the app.',
  startUnavailableLead: 'We could not sign you in just now. Open the link again in a moment.',
  startElsewhereLead: 'The request came from another site. Sign in again from the app.',
  ...events,
  ...reasons,
  /** The actor who signed a device out. */
  by_user: 'From one of your devices',
  by_system: 'Automatically',
  byApp: 'By the app',
  byClient: 'By {app}',
  backToApp: 'Back to {app}',
  signedInAs: 'Signed in as {name}',
  accountsTitle: 'Accounts in this browser',
  accountsLead: 'Apps in this browser go on with the account that you switch to.',
  currentAccount: 'Current account',
  switchAccount: 'Switch',
  switchTo: 'Switch to {name}',
  guest: 'Guest',
  fullTitle: 'This browser has five accounts',
  fullLead: 'It can hold no more. Sign out of one of them, then sign in again.',
  signIns: { one: '{count} sign-in', other: '{count} sign-ins' } as Plural,
  version: 'Version {version}',
  signedInBy: 'Confirmed by {methods}',
  method_password: 'password',
  method_code: 'one-time code',
  method_key: 'passkey or security key',
  method_biometric: 'fingerprint or face',
  endsAt: 'Ends by itself {when}',
  endsIfUnused: 'Ends {when} unless used',
  timeAgo: '{exactly} ({ago})',
  isOver: 'Signed out',
  nameOfDevice: 'Your name for this device',
  save: 'Save',
  wasThisYou: 'Was this you?',
  ask_yes: 'Yes, it was me',
  ask_no: 'No, it was not me',
  answer_yes: 'You said that it was you',
  answer_no: 'You said that it was not you',
  notYouTitle: 'Secure your account',
  notYouLead:
    'If somebody else has used your account, they may know your password. Change it, and sign out everywhere.',
  changePassword: 'Change the password',
  signOutEverywhere: 'Sign out everywhere, here too',
  thanksTitle: 'Thank you',
  thanksLead: 'Your answer was kept. Nothing else was changed.',
  spentTitle: 'This link does not work any more',
  spentLead: 'It was used before, or has expired. Your devices show what happened.',
  languages: 'Languages',
};

export type Texts = typeof en;

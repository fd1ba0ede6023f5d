/** The keys that lead to a value; a number is a place in a list. */
export type SettingPath = readonly (string | number)[];

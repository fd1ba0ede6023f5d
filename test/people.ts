/** The person whose sessions most tests are about. */
export const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';

// What React Native's native module is where there is no device.
export default null;

/**
 * A preload for the processes of one world: when the launcher is gone, however it went, its end of the pipe on standard
 * input closes, and they end in order. Without it, a launcher that was killed would leave them behind with their ports.
 */
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.on('error', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.resume();
// It alone is no reason to live on.
if ('unref' in process.stdin) process.stdin.unref();

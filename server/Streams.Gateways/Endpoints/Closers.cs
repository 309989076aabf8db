using Microsoft.Extensions.Logging;

namespace Streams.Gateways;

/// <summary>What was opened, to be closed in the opposite order, each within a limit. One that fails or is late does not keep the others
/// from closing.</summary>
public sealed class Closers(TimeProvider time, ILogger logger)
{
    private readonly Stack<(string Part, Func<ValueTask> Close)> _parts = new();

    /// <summary>Remembers something to close.</summary>
    public void Add(string part, Func<ValueTask> close) => _parts.Push((part, close));

    /// <summary>Closes everything.</summary>
    public async Task CloseAsync(TimeSpan limitForEach)
    {
        while (_parts.TryPop(out (string Part, Func<ValueTask> Close) next))
        {
            try
            {
                await Task.Run(() => next.Close().AsTask()).WaitAsync(limitForEach, time).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                EndpointLog.StopLate(logger, next.Part);
            }
            catch (Exception fault)
            {
                EndpointLog.StopFailed(logger, next.Part, fault);
            }
        }
    }
}

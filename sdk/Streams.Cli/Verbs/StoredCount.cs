using Streams.Client;
using Streams.Core;

namespace Streams.Cli;

/// <summary>Follows the receipts of published events until they are stored or refused, a bounded number at a time. Safe for use by many
/// threads.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "It has no handle; receipts may come after the end.")]
internal sealed class StoredCount(int most, Action<PublishReceipt, StoredEvent?, string?>? each = null)
{
    private readonly SemaphoreSlim _room = new(most, most);
    private long _stored;
    private long _refused;

    /// <summary>Events that a cluster holds.</summary>
    public long Stored => Interlocked.Read(ref _stored);

    /// <summary>Events that were refused.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Waits until fewer than the most are under way.</summary>
    /// <returns>False when there was no room in time.</returns>
    public Task<bool> HasRoomAsync(TimeSpan limit, CancellationToken cancellationToken) => _room.WaitAsync(limit, cancellationToken);

    /// <summary>Follows one, for which <see cref="HasRoomAsync"/> was true.</summary>
    public void Follow(PublishReceipt receipt, Action? stored = null) => _ = FollowAsync(receipt, stored);

    private async Task FollowAsync(PublishReceipt receipt, Action? stored)
    {
        try
        {
            StoredEvent place = await receipt.Stored.ConfigureAwait(false);
            stored?.Invoke();
            each?.Invoke(receipt, place, null);
            Interlocked.Increment(ref _stored);
        }
        catch (OperationCanceledException)
        {
            // The client is closed: the event stays in the outbox.
        }
        catch (Exception e)
        {
            each?.Invoke(receipt, null, e.Message);
            Interlocked.Increment(ref _refused);
        }
        finally
        {
            _room.Release();
        }
    }
}

using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Cluster;

/// <summary>Transactions whose outcome is certain though answers get lost.</summary>
/// <remarks>Each writer has a mark in etcd. Every transaction demands that the mark is as this writer left it, and writes its own number
/// there. When an answer is lost, a fence that demands the same is written: either it is done, then the transaction never will be, or
/// the mark tells what was. So of one state of the mark exactly one thing follows, whatever the network delays. One transaction is under
/// way at a time. Another process that writes under the same name takes the mark over: this one then knows, and stops.</remarks>
internal sealed class EtcdWriter(EtcdClient client, EtcdKeys keys, ILogger logger) : IDisposable
{
    // Changes of the catalog are rare; who waits behind this many is in a storm.
    private const int MaxWaiting = 1024;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _turn = new(1);
    private readonly byte[] _mark = keys.Writer(client.Options.Writer);
    private readonly string _session = RandomNumberGenerator.GetHexString(16, lowercase: true);
    private int _waiting;
    private long _number;
    private long _known;
    private string? _unsettled;
    private string? _shutOut;

    /// <summary>Finds out what became of a transaction that ended without certainty, if there is one.</summary>
    /// <exception cref="TryAgainException">Etcd does not serve.</exception>
    public Task SettleAsync(CancellationToken cancellationToken) => Volatile.Read(ref _unsettled) is null
        ? Task.CompletedTask
        : InTurnAsync(began => ReadyAsync(began, cancellationToken), cancellationToken);

    /// <inheritdoc cref="ICatalogStore.CommitAsync"/>
    public async Task<CatalogOutcome> CommitAsync(CatalogTransaction transaction, CancellationToken cancellationToken)
    {
        CatalogOutcome outcome = default;
        await InTurnAsync(async began => outcome = await CommitAsync(transaction, began, cancellationToken).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
        return outcome;
    }

    public void Dispose() => _turn.Dispose();

    private async Task InTurnAsync(Func<long, Task> act, CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > MaxWaiting)
            {
                throw new TryAgainException($"catalog: {MaxWaiting} transactions are waiting already");
            }

            await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                await act(client.Time.GetTimestamp()).ConfigureAwait(false);
            }
            finally
            {
                _turn.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private async Task<CatalogOutcome> CommitAsync(CatalogTransaction transaction, long began, CancellationToken cancellationToken)
    {
        while (true)
        {
            await ReadyAsync(began, cancellationToken).ConfigureAwait(false);
            string number = Next();
            EtcdTransaction request = Request(transaction, number);
            Volatile.Write(ref _unsettled, number);
            try
            {
                EtcdTransactionAnswer answer = await AskAsync(request, cancellationToken).ConfigureAwait(false);
                Volatile.Write(ref _unsettled, null);
                if (Judge(answer) is { } outcome)
                {
                    return outcome;
                }
            }
            catch (EtcdFaultException fault) when (fault.Kind == EtcdFaultKind.Unanswered)
            {
                bool done = await FenceAsync(began, cancellationToken).ConfigureAwait(false);
                ClusterLog.AnswerLost(logger, done ? "was done" : "was not done", fault.Message);
                if (done)
                {
                    return new CatalogOutcome(CatalogVerdict.Done, _known);
                }
            }
            catch (EtcdFaultException fault) when (fault.Kind == EtcdFaultKind.LeaseNotFound)
            {
                Volatile.Write(ref _unsettled, null);
                return new CatalogOutcome(CatalogVerdict.LeaseOver, _known);
            }
            catch (EtcdFaultException fault)
            {
                Volatile.Write(ref _unsettled, null);
                await WaitAsync(began, fault, cancellationToken).ConfigureAwait(false);
            }
            catch (ConfigurationException)
            {
                Volatile.Write(ref _unsettled, null);
                throw;
            }
        }
    }

    // What an answer says; null: the mark was this writer's but another one than thought, so it goes again.
    private CatalogOutcome? Judge(EtcdTransactionAnswer answer)
    {
        if (answer.Succeeded)
        {
            _known = answer.Header!.Revision;
            return new CatalogOutcome(CatalogVerdict.Done, _known);
        }

        EtcdKeyValue mark = Mark(answer);
        if (mark.ModRevision == _known)
        {
            return new CatalogOutcome(CatalogVerdict.ConditionFailed, answer.Header!.Revision);
        }

        _known = mark.ModRevision;
        return null;
    }

    private async Task ReadyAsync(long began, CancellationToken cancellationToken)
    {
        if (_shutOut is { } reason)
        {
            throw new ConfigurationException(reason);
        }

        if (_known == 0)
        {
            await TakeMarkAsync(began, cancellationToken).ConfigureAwait(false);
        }

        if (_unsettled is not null)
        {
            await FenceAsync(began, cancellationToken).ConfigureAwait(false);
        }
    }

    // Whether the unsettled transaction was done; if not it never will be.
    private async Task<bool> FenceAsync(long began, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                EtcdTransactionAnswer answer = await AskAsync(MarkIf(_known, Next()), cancellationToken).ConfigureAwait(false);
                bool done = false;
                if (answer.Succeeded)
                {
                    _known = answer.Header!.Revision;
                }
                else
                {
                    EtcdKeyValue mark = Mark(answer);
                    done = Encoding.ASCII.GetString(mark.Value) == _unsettled;
                    _known = mark.ModRevision;
                }

                Volatile.Write(ref _unsettled, null);
                return done;
            }
            catch (EtcdFaultException fault)
            {
                await WaitAsync(began, fault, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task TakeMarkAsync(long began, CancellationToken cancellationToken)
    {
        while (_known == 0)
        {
            try
            {
                EtcdRangeAnswer found = await client.AskOnceAsync("v3/kv/range", new EtcdRange(_mark), EtcdJson.Default.EtcdRange,
                    EtcdJson.Default.EtcdRangeAnswer, cancellationToken).ConfigureAwait(false);
                EtcdKeyValue? mark = found.Kvs.Count > 0 ? found.Kvs[0] : null;
                if (mark is not null && IsOwn(mark))
                {
                    // An answer to the taking was lost.
                    _known = mark.ModRevision;
                    return;
                }

                EtcdTransactionAnswer answer =
                    await AskAsync(MarkIf(mark?.ModRevision ?? 0, Next()), cancellationToken).ConfigureAwait(false);
                _known = answer.Succeeded ? answer.Header!.Revision : 0;
            }
            catch (EtcdFaultException fault)
            {
                await WaitAsync(began, fault, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task WaitAsync(long began, EtcdFaultException fault, CancellationToken cancellationToken)
    {
        TimeSpan limit = client.Options.CallTimeout;
        if (client.Time.GetElapsedTime(began) >= limit)
        {
            throw new TryAgainException($"etcd did not serve within {limit.TotalSeconds:0.#} s"
                + $"{(_unsettled is null ? "" : ", and whether a transaction was done is not known yet")}; the last: {fault.Message}",
                fault);
        }

        await Task.Delay(Pause, client.Time, cancellationToken).ConfigureAwait(false);
    }

    private Task<EtcdTransactionAnswer> AskAsync(EtcdTransaction request, CancellationToken cancellationToken) => client.AskOnceAsync(
        "v3/kv/txn", request, EtcdJson.Default.EtcdTransaction, EtcdJson.Default.EtcdTransactionAnswer, cancellationToken);

    private string Next() => $"{_session}.{++_number}";

    private bool IsOwn(EtcdKeyValue mark) => Encoding.ASCII.GetString(mark.Value).StartsWith(_session, StringComparison.Ordinal);

    // The mark of an answer whose conditions did not hold.
    private EtcdKeyValue Mark(EtcdTransactionAnswer answer)
    {
        IReadOnlyList<EtcdKeyValue> kvs = answer.Responses.Count > 0 ? answer.Responses[0].ResponseRange?.Kvs ?? [] : [];
        if (kvs.Count > 0 && IsOwn(kvs[0]))
        {
            return kvs[0];
        }

        _shutOut = kvs.Count > 0
            ? $"another process writes the catalog as '{client.Options.Writer}' since: stop one of the two, or name them differently"
            : $"the mark of '{client.Options.Writer}' in the catalog was removed: start again if this node is still to belong to it";
        throw new ConfigurationException(_shutOut);
    }

    private EtcdTransaction MarkIf(long revision, string number) => new([new EtcdCompare(_mark, revision)],
        [new EtcdOperation { RequestPut = new EtcdPut(_mark, Encoding.ASCII.GetBytes(number)) }],
        [new EtcdOperation { RequestRange = new EtcdRange(_mark) }]);

    private EtcdTransaction Request(CatalogTransaction transaction, string number)
    {
        EtcdTransaction mark = MarkIf(_known, number);
        return mark with
        {
            Compare = [.. mark.Compare, .. transaction.Conditions.Select(c => new EtcdCompare(keys.Entry(c.Key), c.Revision))],
            Success = [.. mark.Success, .. transaction.Writes.Select(Operation)],
        };
    }

    private EtcdOperation Operation(CatalogWrite write) => write.Value is { } value
        ? new EtcdOperation { RequestPut = new EtcdPut(keys.Entry(write.Key), value.ToArray()) { Lease = write.Lease } }
        : new EtcdOperation { RequestDeleteRange = new EtcdDelete(keys.Entry(write.Key)) };
}

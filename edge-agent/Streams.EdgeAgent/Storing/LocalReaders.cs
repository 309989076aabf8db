using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>A few connections that read, lent one at a time; who finds none free waits until one is given back. What a transaction has
/// committed is on stable storage before any of them sees it (rule R1).</summary>
/// <remarks>Safe for use by many threads. A reading takes some microseconds, so waiting does too.</remarks>
internal sealed class LocalReaders(string path) : IDisposable
{
    /// <summary>Each has a cache of 2 MiB, and more would not read faster from one disk.</summary>
    private const int MaxReaders = 4;

    private readonly Lock _lock = new();
    private readonly Stack<LocalConnection> _free = [];
    private readonly SemaphoreSlim _places = new(MaxReaders);
    private bool _closed;

    /// <summary>Reads.</summary>
    /// <exception cref="StorageFailedException">The disk refused, or the file is damaged there.</exception>
    /// <exception cref="TryAgainException">The store is closed.</exception>
    public T Read<TState, T>(TState state, Func<LocalConnection, TState, T> read)
    {
        _places.Wait();
        LocalConnection? connection = null;
        try
        {
            connection = Take();
            T result = read(connection, state);
            GiveBack(connection);
            return result;
        }
        catch (DamagedOutboxException e)
        {
            connection?.Dispose();                     // its statements may stand in the midst of something
            throw new StorageFailedException(e.Message, e);
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
        finally
        {
            _places.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            while (_free.TryPop(out LocalConnection? connection))
            {
                connection.Dispose();
            }
        }
    }

    private LocalConnection Take()
    {
        lock (_lock)
        {
            if (_closed)
            {
                throw new TryAgainException("the store is closed");
            }

            if (_free.TryPop(out LocalConnection? free))
            {
                return free;
            }
        }

        return new LocalConnection(new OutboxDatabase(path, writable: false, LocalSchema.Owner));
    }

    private void GiveBack(LocalConnection connection)
    {
        lock (_lock)
        {
            if (!_closed)
            {
                _free.Push(connection);
                return;
            }
        }

        connection.Dispose();
    }
}

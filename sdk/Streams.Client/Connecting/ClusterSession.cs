using System.Buffers;
using Streams.Core;

namespace Streams.Client;

/// <summary>One connection as long as it is good: the first fault ends it for all who use it.</summary>
/// <remarks>Safe for use by many threads. It ends when the connection closes, when something is not answered in time, or when someone
/// says why it is no good.
/// Nothing is lost by its end: what was not answered is asked for, or sent, again in the next one.</remarks>
internal sealed class ClusterSession : IAsyncDisposable
{
    private const int PacketBytes = 9;                // what MQTT puts around topic and payload

    private readonly Lock _ending = new();
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TimeSpan _answerTimeout;
    private readonly TimeProvider _time;
    private readonly SendMeter? _meter;
    private IClusterConnection? _connection;

    /// <summary>A session; <see cref="Attach"/> gives it its connection.</summary>
    public ClusterSession(ClusterEndpoint endpoint, TimeSpan answerTimeout, TimeProvider time, SendMeter? meter = null)
    {
        _meter = meter;
        Endpoint = endpoint;
        _answerTimeout = answerTimeout;
        _time = time;
        Token = _end.Token;
    }

    /// <summary>Where it leads.</summary>
    public ClusterEndpoint Endpoint { get; }

    /// <summary>The cluster.</summary>
    public ClusterName Cluster => Endpoint.Name;

    /// <summary>Cancelled when it ends.</summary>
    public CancellationToken Token { get; }

    /// <summary>Completes with the reason when it ends.</summary>
    public Task<string> Ended => _ended.Task;

    /// <summary>Whether it was good for something: a batch was taken, or something delivered.</summary>
    public bool WasUseful { get; set; }

    /// <summary>Whether the cluster said that it does not write now.</summary>
    public bool WasRefused { get; private set; }

    /// <summary>The latest hint of the cluster, or <see langword="null"/>; the link's lock guards it.</summary>
    public SpreadHint? Hint { get; set; }

    /// <summary>How it ended; to be asked when it has.</summary>
    public SessionLoss Loss { get; private set; }

    /// <summary>Another server to use, as the cluster named it at the end; <see langword="null"/> when it named none.</summary>
    public string? Reference { get; private set; }

    /// <summary>Place in the list of the cluster to go to, when it was ended to go to a better one; else -1.</summary>
    public int Goal { get; private set; } = -1;

    /// <summary>How long connecting took.</summary>
    public TimeSpan ConnectTook { get; private set; }

    /// <summary>Producers that may have a session on the connection, where the cluster takes bundles; else 0.</summary>
    public int MaxProducers => _connection?.MaxProducers ?? 0;

    /// <summary>Where what is sent goes on to, where an edge agent answers; <see langword="null"/> where it is a cluster.</summary>
    public string? Path => _connection?.Path;

    /// <summary>The connection stands.</summary>
    public void Attach(IClusterConnection connection, TimeSpan took = default)
    {
        _connection = connection;
        ConnectTook = connection.ConnectTook ?? took;
        connection.Closed.ContinueWith(closed => End(closed.Result), CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Ends it: this side has found it no good.</summary>
    public void End(string why) => End(new ConnectionEnd(why, SessionLoss.Alone));

    /// <summary>Ends it: this cluster does not do now what it is for; others come first for a while.</summary>
    public void Refused(string why)
    {
        WasRefused = true;
        End(why);
    }

    /// <summary>Ends it: a better cluster is there, at this place in the list.</summary>
    public void EndToMove(string why, int goal) => End(new ConnectionEnd(why, SessionLoss.Alone), goal);

    private void End(ConnectionEnd end, int goal = -1)
    {
        lock (_ending)
        {
            if (_ended.Task.IsCompleted)
            {
                return;
            }

            Loss = end.Loss;
            Reference = end.Reference;
            Goal = goal;
            _ended.TrySetResult(end.Reason);
        }

        _end.Cancel();
    }

    /// <summary>Sends a message that is answered. Its place in the order is taken before this returns.</summary>
    /// <exception cref="OperationCanceledException">The session is over.</exception>
    public async Task<ClusterAnswer> AskAsync(string topic, ReadOnlyMemory<byte> payload)
    {
        _meter?.Sent(topic.Length + payload.Length + PacketBytes);
        try
        {
            ClusterAnswer answer = await _connection!.SendAsync(topic, payload, answered: true, Token).WaitAsync(_answerTimeout, _time,
                Token).ConfigureAwait(false);
            if (!answer.IsTaken && !answer.IsPermanent)
            {
                WasRefused |= answer.Text.Contains(nameof(ProduceRefusal.NotWriting), StringComparison.Ordinal);
                End($"{Cluster} refused {topic}: {answer.Text} (0x{answer.Reason:x2})");
            }

            return answer;
        }
        catch (IOException e)
        {
            await LostAsync(e).ConfigureAwait(false);
            throw new OperationCanceledException(e.Message, e, Token);
        }
        catch (Exception e) when (e is not OperationCanceledException || !Token.IsCancellationRequested)
        {
            End(e is TimeoutException ? $"no answer to {topic} within {_answerTimeout}" : e.Message);
            throw new OperationCanceledException(e.Message, e, Token);
        }
    }

    /// <summary>Sends a message that is not answered. Its place in the order is taken before this returns.</summary>
    public async Task TellAsync(string topic, ReadOnlyMemory<byte> payload)
    {
        _meter?.Sent(topic.Length + payload.Length + PacketBytes);
        try
        {
            await _connection!.SendAsync(topic, payload, answered: false, Token).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            await LostAsync(e).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            End(e.Message);
        }
    }

    // The connection is over, and knows best how: a client that took the loss of a cluster for its own would come back to it first.
    private async Task LostAsync(IOException e)
    {
        try
        {
            ConnectionEnd end = await _connection!.Closed.WaitAsync(_answerTimeout, _time, Token).ConfigureAwait(false);
            End(end);
        }
        catch (TimeoutException)
        {
            End(e.Message);
        }
        catch (OperationCanceledException)
        {
            // It has ended meanwhile.
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        End("closed by this side");
        if (_connection is not null)
        {
            await _connection.DisposeAsync().ConfigureAwait(false);
        }

        _end.Dispose();
    }
}

/// <summary>Writes the messages of the protocol.</summary>
internal static class Wire
{
    /// <summary>A writer's work.</summary>
    public delegate void Writing(ref ByteWriter writer);

    /// <summary>The bytes of a message.</summary>
    public static ReadOnlyMemory<byte> Of(Writing write, int sizeHint = 256)
    {
        ArrayBufferWriter<byte> output = new(sizeHint);
        ByteWriter writer = new(output);
        write(ref writer);
        return output.WrittenMemory;
    }
}

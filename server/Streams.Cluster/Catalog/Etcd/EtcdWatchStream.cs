using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;

namespace Streams.Cluster;

/// <summary>One watch of one member, message by message: JSON objects, one a line.</summary>
internal sealed class EtcdWatchStream : IAsyncDisposable
{
    private readonly Uri _endpoint;
    private readonly TimeProvider _time;
    private readonly HttpResponseMessage _response;
    private readonly PipeReader _reader;

    private EtcdWatchStream(Uri endpoint, TimeProvider time, HttpResponseMessage response, Stream body)
    {
        _endpoint = endpoint;
        _time = time;
        _response = response;
        _reader = PipeReader.Create(body);
    }

    /// <summary>Asks for a watch; that it was made is the first message.</summary>
    /// <exception cref="EtcdFaultException">It was not.</exception>
    public static async Task<EtcdWatchStream> OpenAsync(
        EtcdHttp http, Uri endpoint, EtcdWatchCreate create, TimeProvider time, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await http.StreamAsync(
            endpoint, "v3/watch", new EtcdWatch(create), EtcdJson.Default.EtcdWatch, cancellationToken).ConfigureAwait(false);
        return new EtcdWatchStream(endpoint, time, response,
            await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The next message; <see langword="null"/> when none came in time: the watch is then of no use any more.</summary>
    /// <exception cref="EtcdFaultException">The watch broke.</exception>
    public async Task<EtcdWatchResult?> NextAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        using CancellationTokenSource timeout = new(limit, _time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            while (true)
            {
                ReadResult read = await _reader.ReadAsync(both.Token).ConfigureAwait(false);
                if (read.Buffer.PositionOf((byte)'\n') is { } end)
                {
                    EtcdWatchResult result = Parse(read.Buffer.Slice(0, end));
                    _reader.AdvanceTo(read.Buffer.GetPosition(1, end));
                    return result;
                }

                if (read.IsCompleted || read.Buffer.Length > EtcdHttp.MaxAnswerBytes)
                {
                    throw Broken(read.IsCompleted ? "the connection was closed" : "a message without an end");
                }

                _reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception fault) when (EtcdHttp.Sorted(_endpoint, fault, cancellationToken) is { } sorted)
        {
            throw sorted;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _reader.CompleteAsync().ConfigureAwait(false);
        _response.Dispose();
    }

    private EtcdWatchResult Parse(ReadOnlySequence<byte> line)
    {
        Utf8JsonReader reader = new(line);
        EtcdWatchAnswer? answer = JsonSerializer.Deserialize(ref reader, EtcdJson.Default.EtcdWatchAnswer);
        return answer?.Result ?? throw Broken(answer?.Error?.ToString() ?? "an empty message");
    }

    private EtcdFaultException Broken(string reason) =>
        new(EtcdFaultKind.Unanswered, $"watch at {_endpoint.Authority}: {reason}");
}

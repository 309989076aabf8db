using Streams.Client;

namespace Streams.EdgeAgent;

/// <summary>A connection to the store's file with the statements it has prepared. Used by one thread at a time.</summary>
internal sealed class LocalConnection(OutboxDatabase database) : IDisposable
{
    private readonly Dictionary<string, Statement> _statements = new(StringComparer.Ordinal);

    /// <summary>The connection.</summary>
    public OutboxDatabase Database => database;

    /// <summary>A statement, prepared once. The texts are constants of this program, so there are few.</summary>
    public Statement Use(string sql)
    {
        if (!_statements.TryGetValue(sql, out Statement? statement))
        {
            _statements[sql] = statement = database.Prepare(sql);
        }

        return statement;
    }

    /// <summary>Undoes the running transaction; no statement stands in the midst of something any more.</summary>
    public void RollBack()
    {
        foreach (Statement statement in _statements.Values)
        {
            statement.Reset();
        }

        database.RollBack();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Statement statement in _statements.Values)
        {
            statement.Dispose();
        }

        database.Dispose();
    }
}
